# The builder of scripts/image-test.sh on a machine with a Docker engine. The same functions as in
# buildah.sh, which says what each one does.

ours=ridecast-image-test-$$
container=''

engine_setup() {
  base_image=$1
  # BuildKit may keep its bases to itself; the sizes are counted from this one.
  docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null
}

engine_build() {
  DOCKER_BUILDKIT=1 timeout 1800 docker build --quiet --target "$1" --tag "$ours-$1" \
    "${build_secrets[@]}" "$2"
}

engine_save() {
  local image=$ours-$1
  [[ $1 == base ]] && image=$base_image
  docker save --output "$2" "$image"
}

engine_config() {
  docker image inspect --format '{{json .Config}}' "$ours-$1"
}

engine_volume() {
  docker volume create "$ours-$1"
}

# What `volumes`, `read_only` and `entrypoint` say, as options of `docker run`, into `options`.
options_of() {
  local volume
  options=()
  for volume in "${volumes[@]}"; do options+=(--volume "$volume"); done
  [[ $read_only == yes ]] && options+=(--read-only)
  [[ -z $entrypoint ]] || options+=(--entrypoint "$entrypoint")
}

engine_run() {
  local target=$1 options
  shift
  options_of
  timeout 300 docker run --rm --name "$ours-run" --network none "${options[@]}" \
    "$ours-$target" "$@"
}

engine_start() {
  local options
  options_of
  container=$(docker run --detach --publish 127.0.0.1::9696 "${options[@]}" "$ours-$1")
  address=$(docker port "$container" 9696/tcp)
}

engine_ask() {
  local path=$1
  shift
  node "$here/image/ask.mjs" "http://$address$path" "$@"
}

engine_exec() {
  docker exec "$container" "$@"
}

engine_log() {
  docker logs "$container" 2>&1
}

engine_stop() {
  [[ -n $container ]] || return 0
  docker stop -t "$1" "$container" >/dev/null
  exit_code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
}

engine_cleanup() {
  docker rm --force --volumes "$ours-run" "$container"
  docker volume ls --quiet --filter "name=$ours-" | xargs -r docker volume rm --force
  docker image ls --quiet --filter "reference=$ours-*" | xargs -r docker image rm --force
}
