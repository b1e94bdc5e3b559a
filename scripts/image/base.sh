# Makes a stand-in for the base image, for machines that reach package registries but no image
# registry: Debian of the release that the tag names, node of the tag's major version (or, when
# npm has none, the node of this machine), npm, and the user `node` as in the official image.
# Needs debootstrap and root.

# standin_base IMAGE CACHE: prints the path of a tar file with the root file system.
standin_base() (
  set -euo pipefail
  tag=${1##*:} cache=$2
  suite=$(grep -oE 'bookworm|trixie|forky' <<<"$tag" || echo bookworm)
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
  esac
  key=$({ echo "$tag $arch" && npm --version && cat "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-16)
  kept=$cache/base-$tag-$key.tar
  if [[ ! -f $kept ]]; then
    made=$(mktemp -d "$cache/making.XXXXXX")
    trap 'rm -rf "$made"' EXIT
    root=$made/root
    debootstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 \
      "$suite" "$root" >"$made/log" 2>&1 || { tail -n 20 "$made/log" >&2 && exit 1; }
    # As in Debian's slim images.
    rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/{cache/apt,lib/apt/lists,log}/*

    node=$(command -v node)
    if cd "$made" && packed=$(npm pack --silent "node-linux-$arch@^${tag%%.*}" 2>/dev/null); then
      tar -xzf "$packed"
      node=$made/package/bin/node
    fi
    install -m 755 "$node" "$root/usr/local/bin/node"
    mkdir -p "$root/usr/local/lib/node_modules"
    cp -a "$(npm root --global)/npm" "$root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
    chroot "$root" groupadd --gid 1000 node
    chroot "$root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node

    tar -C "$root" --numeric-owner --exclude='./dev/*' -cf "$made/base.tar" .
    rm -f "$cache"/base-*
    mv "$made/base.tar" "$kept"
  fi
  echo "$kept"
)
