#!/usr/bin/env bash
# Builds both images from the Dockerfile, trains in one, serves that model from the other, and
# checks what a person who runs them counts on: `npm run image:test`.
#
# With a Docker engine the images are built and run by Docker. Without one, and as root on Debian,
# by Buildah on a stand-in base; scripts/image/ has both. Prints a line for each check, what each
# image adds to its base, and how many checks passed.

set -euo pipefail
export npm_config_loglevel=error
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$here")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ridecast/image-test
mkdir -p "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/ridecast-image-test.XXXXXX")

if docker info >/dev/null 2>&1; then
  engine=docker
elif [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  engine=buildah
  # shellcheck source=scripts/image/base.sh
  source "$here/image/base.sh"
else
  echo 'image test: no builder: expected a Docker engine, or root on Debian' >&2
  exit 1
fi
# shellcheck source=scripts/image/buildah.sh
source "$here/image/$engine.sh"

passed=0 failed=0 ended=no
finish() {
  engine_cleanup >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
  [[ $ended == yes ]] || not_ok 'the test comes to its end'
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
}
trap finish EXIT
trap 'exit 130' INT TERM

# How the next container runs; read by the engine.
volumes=() read_only=no entrypoint=''

ok() { passed=$((passed + 1)) && echo "ok $1"; }
not_ok() {
  failed=$((failed + 1))
  echo "not ok $1"
  [[ -z ${2-} ]] || tail -n 20 <<<"$2" | cut -c1-400 | sed 's/^/    /'
}

# expect WHAT EXPECTED FOUND
expect() {
  if [[ $3 == "$2" ]]; then ok "$1"; else not_ok "$1" "expected $2, found $3"; fi
}

# field PATH: a value of the JSON on standard input: a list by item, an object by key, a line each.
field() {
  node -e '
    const json = JSON.parse(require("fs").readFileSync(0, "utf8"))
    const path = process.argv[1].split(".").filter(Boolean)
    const value = path.reduce((from, key) => from?.[key], json)
    const lines = Array.isArray(value) ? value : Object(value) === value ? Object.keys(value) : [value]
    for (const line of lines) if (line !== undefined && line !== null) console.log(String(line))
  ' "$1"
}

# The files a clone would have: tracked, and new ones that are not ignored.
copy_context() {
  mkdir "$work/context"
  cd "$repository"
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
      tar --null --files-from=- -cf - | tar -xf - -C "$work/context"
  else
    cp -a . "$work/context"
  fi
}

# How npm reaches its registry from here, as secrets of the build.
build_secrets=()
npm_secrets() {
  local ca
  npm config list --json | node -e '
    const config = JSON.parse(require("fs").readFileSync(0, "utf8"))
    for (const key of ["registry", "proxy", "https-proxy", "noproxy", "strict-ssl"]) {
      const value = String(config[key] ?? "")
      if (value !== "") console.log(`${key}=${value}`)
    }
  ' >"$work/npmrc"
  ca=$(npm config get cafile)
  [[ -f $ca ]] || ca=${NODE_EXTRA_CA_CERTS-}
  if [[ -f $ca ]]; then
    echo 'cafile=/run/secrets/ca' >>"$work/npmrc"
    build_secrets+=(--secret "id=ca,src=$ca")
  fi
  build_secrets+=(--secret "id=npmrc,src=$work/npmrc")
}

# layers TARGET: the layers of an image, each in a file, from the lowest; a path a line.
layers() {
  local layer index=0
  engine_save "$1" "$work/image.tar"
  tar -xOf "$work/image.tar" manifest.json | field 0.Layers | while IFS= read -r layer; do
    index=$((index + 1))
    tar -xOf "$work/image.tar" "$layer" | gzip -cdf >"$work/$1-$index.tar"
    echo "$work/$1-$index.tar"
  done
  rm "$work/image.tar"
}

grouped() { sed -E ':a; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; ta' <<<"$1"; }

began=$SECONDS
base_image=$(sed -n 's/^ARG NODE_IMAGE=//p' "$repository/Dockerfile")
echo "# $engine, base $base_image"
copy_context
npm_secrets
engine_setup "$base_image"
echo "# the base is there after $((SECONDS - began)) s"

for target in train serve; do
  since=$SECONDS
  if engine_build "$target" "$work/context" >"$work/build.log" 2>&1; then
    ok "the Dockerfile builds target $target ($((SECONDS - since)) s)"
  else
    not_ok "the Dockerfile builds target $target" "$(cat "$work/build.log")"
    exit 1
  fi
done

# --- train -------------------------------------------------------------------------------------

models=$(engine_volume models)
volumes=("$models:/app/models")

entrypoint=node
expect 'train runs as uid 1000' 1000 "$(engine_run train -p 'process.getuid()')"
entrypoint=''

if engine_run train train 2021-01 --json >"$work/train.json" 2>"$work/train.log" &&
  field '' <"$work/train.json" >/dev/null; then
  ok 'train trains 2021-01 from the sample months, without a network'
else
  not_ok 'train trains 2021-01 from the sample months, without a network' "$(cat "$work"/train.*)"
fi
engine_run train predict --from 43 --to 151 --distance 1.01 --json \
  >"$work/predict.json" 2>"$work/predict.log" || true
duration=$(field duration <"$work/predict.json" 2>/dev/null || true)
if [[ $duration =~ ^[0-9.]+$ ]]; then
  ok "train predicts a ride: $duration minutes"
else
  not_ok 'train predicts a ride' "$(cat "$work"/predict.*)"
fi

# --- serve: what is in it ----------------------------------------------------------------------

base_layers=$(layers base | wc -l)
sizes=()
for target in train serve; do
  mapfile -t added < <(layers "$target")
  added=("${added[@]:base_layers}")
  sizes+=("$(printf 'size %s: %s bytes beyond the base (%s compressed), layers: %s' "$target" \
    "$(grouped "$(cat "${added[@]}" | wc -c)")" "$(grouped "$(gzip -c "${added[@]}" | wc -c)")" \
    "${#added[@]}")")
done
expect 'serve adds its bundle and its pages to its base, and nothing else' \
  'app/dist/page/docs app/dist/page/serve app/dist/serve app/dist/serve.mjs ' \
  "$(for layer in "${added[@]}"; do tar -tf "$layer"; done | grep -v '/$' |
    sed -E 's#^(app/dist/(page/[a-z]+|serve))/[^/]+$#\1#' | sort -u | tr '\n' ' ')"
# The bundler marks where each part of the bundle came from.
text() { for layer in "${added[@]}"; do tar -xOf "$layer"; done; }
training='(parquet-wasm|ml-[a-z-]+|protobufjs)'
expect 'serve bundles express, so that its packages can be told' express \
  "$(text | grep -aoE 'node_modules/express/' | sort -u | cut -d/ -f2)"
expect 'serve holds no training package' '' \
  "$(text | grep -aoE "node_modules/${training}/|(from|import\(|require\() ?[\"']${training}[\"']" |
    sort | uniq -c)"

# --- serve: how it runs ------------------------------------------------------------------------

mapfile -t health < <(engine_config serve | field Healthcheck.Test)
writes='
  const fs = require("fs")
  for (const folder of ["/", "/app", "/app/dist", "/etc", "/usr/local/bin"]) {
    try { fs.writeFileSync(folder + "/written", ""); console.log(folder) } catch {}
  }
  console.log("nothing more")'

read_only=yes ready=''
if engine_start serve; then
  since=$SECONDS
  until ready=$(engine_ask /health/ready 2>&1) && [[ $ready == 200* ]] || ((SECONDS - since > 30)); do
    sleep 0.1
  done
fi
if [[ $ready == 200* ]]; then
  ok 'serve gets ready on a read-only root'
  echo "# listening $(engine_log | grep -o '"after_ms":[0-9]*' | head -n 1 | cut -d: -f2) ms after its process began"
else
  not_ok 'serve gets ready on a read-only root' "$ready"$'\n'"$(engine_log)"
fi
answer=$(engine_ask /predict '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.01}' || true)
expect 'serve predicts what train predicts' "200 $duration" \
  "${answer%% *} $(field duration <<<"${answer#* }" 2>/dev/null || true)"
code=0
engine_exec "${health[@]:1}" || code=$?
expect 'the health check passes when it is ready' 'CMD 0' "${health[0]} $code"
expect 'process 1 of serve is node, as uid 1000' 'node dist/serve.mjs 1000' "$(engine_exec node -p '
  const fs = require("fs")
  fs.readFileSync("/proc/1/cmdline", "utf8").replaceAll("\0", " ") + fs.statSync("/proc/1").uid')"
expect 'serve cannot write to its root' 'nothing more' "$(engine_exec node -e "$writes")"
exit_code=none
engine_stop 15
expect 'serve exits with 0 on SIGTERM' 0 "$exit_code"

read_only=no entrypoint=node
expect 'nor could it if the root were not read-only' 'nothing more' "$(engine_run serve -e "$writes")"
entrypoint=${health[1]} code=0
engine_run serve "${health[@]:2}" || code=$?
expect 'the health check fails when nothing answers' 1 "$code"
entrypoint='' volumes=() code=0
engine_run serve >"$work/empty.log" 2>&1 || code=$?
expect 'serve refuses to start without a model, and says so' '1 model_not_found' \
  "$code $(grep -o model_not_found "$work/empty.log" | head -n 1)"

printf '%s\n' "${sizes[@]}"
echo "# $((SECONDS - began)) s"
ended=yes
