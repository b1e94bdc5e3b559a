# Makes a stand-in for the base image, for machines that reach package registries but no image
# registry: Debian of the release that the tag names, node of the tag's major version (or, when
# npm has none, the node of this machine), npm, and the user `node` as in the official image.
# Needs debootstrap and root.

node_arch() { uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/'; }

# standin_key IMAGE: a name that changes with whatever the stand-in is made of.
standin_key() {
  { echo "$1 $(node_arch)" && npm --version && cat "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-16
}

# standin_base IMAGE FOLDER: makes FOLDER/base.tar, the root file system.
standin_base() (
  set -euo pipefail
  tag=${1##*:} root=$2/base node=$(command -v node)
  suite=$(grep -oE 'bookworm|trixie|forky' <<<"$tag" || echo bookworm)
  debootstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 \
    "$suite" "$root" >"$2/debootstrap.log" 2>&1 || { tail -n 20 "$2/debootstrap.log" >&2 && exit 1; }
  # As in Debian's slim images.
  rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/{cache/apt,lib/apt/lists,log}/*

  cd "$2"
  if packed=$(npm pack --silent "node-linux-$(node_arch)@^${tag%%.*}" 2>/dev/null); then
    tar -xzf "$packed"
    node=package/bin/node
  fi
  install -m 755 "$node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -a "$(npm root --global)/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  chroot "$root" groupadd --gid 1000 node
  chroot "$root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node
  tar -C "$root" --numeric-owner --exclude='./dev/*' -cf base.tar .
)
