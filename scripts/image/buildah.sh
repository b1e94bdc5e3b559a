# The builder of scripts/image-test.sh where no Docker engine answers: Buildah, on a stand-in for
# the base image (base.sh), and namespaces of the kernel to run what was built. A process runs in
# the image's own root as the image's own user, is process 1, sees no network but its own
# loopback, and finds each VOLUME filled from the image, as Docker does it. Needs root.

export BUILDAH_ISOLATION=chroot

declare -A image_root=()
supervisor='' process=''

store() {
  local verb=$1
  shift
  timeout 1800 buildah --root "$work/storage" --runroot "$work/runroot" "$verb" "$@"
}

# The driver that can do without the kernel's overlays copies the whole base for every layer.
storage_driver() (
  mkdir -p "$work"/probe/{lower,upper,work,merged}
  cd "$work/probe" || exit
  if unshare --mount mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged \
    2>/dev/null; then echo overlay; else echo vfs; fi
)

# engine_setup IMAGE: what has to be there before the first build; IMAGE is the base.
engine_setup() {
  local command missing=() stored container
  for command in buildah debootstrap ip; do
    command -v "$command" >/dev/null || missing+=("${command/#ip/iproute2}")
  done
  if ((${#missing[@]})); then
    { flock /tmp/ridecast-apt.lock apt-get update &&
      flock /tmp/ridecast-apt.lock apt-get install -y --no-install-recommends "${missing[@]}"; } \
      >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2 && return 1; }
  fi
  # Buildah keeps `RUN --mount=type=cache` below TMPDIR: packages are fetched once, not every run.
  export TMPDIR=$cache/tmp
  mkdir -p "$TMPDIR"
  STORAGE_DRIVER=$(storage_driver)
  export STORAGE_DRIVER
  base_name=docker.io/library/$1
  # Kept with the base in it, since making the one and committing the other takes a minute.
  stored=$cache/base-$(standin_key "$1").$STORAGE_DRIVER.tar
  if [[ ! -f $stored ]]; then
    standin_base "$1" "$work"
    container=$(store from scratch)
    store add --quiet "$container" "$work/base.tar" / >/dev/null
    store config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      --cmd node "$container"
    store commit --quiet --rm --format docker "$container" "$base_name" >/dev/null
    tar -C "$work/storage" --xattrs --numeric-owner -cf "$cache/new-$$" .
    rm -f "$cache"/base-*
    mv "$cache/new-$$" "$stored"
  else
    mkdir "$work/storage"
    tar -C "$work/storage" --xattrs --numeric-owner -xf "$stored"
  fi
}

# engine_build TARGET CONTEXT: builds a target of the Dockerfile in folder CONTEXT.
engine_build() {
  local container layers=true
  # A layer for each instruction, as Docker makes them, where that is cheap.
  [[ $STORAGE_DRIVER == overlay ]] || layers=false
  # Not the OCI format: it has no health checks.
  store build --quiet --layers=$layers --pull-never --format docker --target "$1" \
    --tag "localhost/$1" "${build_secrets[@]}" "$2" &&
    container=$(store from --pull-never "localhost/$1") &&
    image_root[$1]=$(store mount "$container")
}

# engine_save TARGET FILE: an image (or the `base`) as an archive in the format of `docker save`.
engine_save() {
  local image=localhost/$1
  [[ $1 == base ]] && image=$base_name
  store push --quiet "$image" "docker-archive:$2"
}

# engine_config TARGET: the image's configuration as JSON, in Docker's words.
engine_config() {
  store inspect --type image --format '{{.Config}}' "localhost/$1" |
    node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).config)'
}

# engine_volume NAME: makes an empty volume and prints what it is called in `volumes`.
engine_volume() {
  mkdir "$work/volume-$1"
  echo "$work/volume-$1"
}

# settle TARGET [ARGUMENT...]: what to run and where, from the image's configuration.
settle() {
  local config user volume named
  root=${image_root[$1]}
  config=$(engine_config "$1")
  shift
  directory=$(field WorkingDir <<<"$config")
  user=$(field User <<<"$config")
  IFS=: read -r _ _ uid gid _ home _ < <(
    grep -E "^${user:-root}:|^[^:]*:[^:]*:${user:-root}:" "$root/etc/passwd"
  )
  mapfile -t environment < <(field Env <<<"$config")
  environment+=("HOME=$home")
  if [[ -n $entrypoint ]]; then
    command=("$entrypoint")
  else
    mapfile -t command < <(field Entrypoint <<<"$config")
    (($#)) || mapfile -t -O "${#command[@]}" command < <(field Cmd <<<"$config")
  fi
  command+=("$@")

  mounts=()
  while IFS= read -r volume; do
    named=$(printf '%s\n' "${volumes[@]}" | sed -n "s|:$volume\$||p")
    [[ -n $named ]] || named=$(mktemp -d "$work/volume.XXXXXX")
    if [[ -z $(ls -A "$named") ]]; then
      cp -aT "$root$volume" "$named"
    fi
    mounts+=("$named:$root$volume")
  done < <(field Volumes <<<"$config")
}

# Becomes the command, in namespaces of its own: mounts, then changes root, user and folder.
enter() {
  local pair device
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  for pair in "${mounts[@]}"; do mount --bind "${pair%%:*}" "${pair#*:}"; done
  [[ $read_only == no ]] || mount -o remount,bind,ro "$root"
  ip link set lo up
  exec env -i "${environment[@]}" unshare --root="$root" --wd="$directory" \
    --setgid "$gid" --setuid "$uid" "${command[@]}"
}

# isolated TARGET [ARGUMENT...]: turns this subshell into the supervisor of such a process.
isolated() {
  local root directory uid gid home environment command mounts
  settle "$@"
  exec "${limit[@]}" unshare --mount --pid --net --fork --kill-child bash -euo pipefail -c "
    $(declare -p root directory uid gid environment command mounts read_only)
    $(declare -f enter)
    enter"
}

# engine_run TARGET [ARGUMENT...]: runs the image's command, or `entrypoint` in its place, to its
# end. `volumes` (NAME:FOLDER ...), `read_only` and `entrypoint` are the caller's.
engine_run() {
  (limit=(timeout 300) && isolated "$@")
}

# engine_start TARGET: starts the image's command in the background.
engine_start() {
  (limit=() && isolated "$1") >"$work/container.log" 2>&1 &
  supervisor=$!
  started=$1
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    process=$(cat "/proc/$supervisor/task/$supervisor/children" 2>/dev/null || true)
    process=${process%% *}
    # It is past its mounts when its root is the image's.
    [[ -n $process && $(readlink "/proc/$process/root") == "${image_root[$1]}" ]] && return
    sleep 0.1
  done
  cat "$work/container.log" >&2
  return 1
}

# engine_ask PATH [BODY]: one request to the started container: status, space, body.
engine_ask() {
  local path=$1
  shift
  nsenter --target "$process" --net node "$here/image/ask.mjs" "http://127.0.0.1:9696$path" "$@"
}

# engine_exec COMMAND...: one more process in the started container, as its user.
engine_exec() {
  local root directory uid gid home environment command mounts entrypoint='' volumes=()
  settle "$started" "$@"
  env -i "${environment[@]}" nsenter --target "$process" --mount --pid --net --root --wd \
    --setgid "$gid" --setuid "$uid" "$@"
}

# engine_log: what the started container has written.
engine_log() {
  cat "$work/container.log"
}

# engine_stop SECONDS: asks the started container, if it runs, to end and kills it when it has not
# by then; sets `exit_code`.
engine_stop() {
  local tries
  [[ -d /proc/${process:-none} ]] || return 0
  kill -TERM "$process"
  for ((tries = 0; tries < $1 * 10; tries++)); do
    [[ -d /proc/$process ]] || break
    sleep 0.1
  done
  kill -KILL "$process" 2>/dev/null || true
  exit_code=0
  wait "$supervisor" || exit_code=$?
  supervisor=''
}

# engine_cleanup: leaves nothing but the cache.
engine_cleanup() {
  [[ -z $supervisor ]] || kill -KILL "$process" "$supervisor" 2>/dev/null || true
  # A build that failed leaves its container mounted.
  awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r |
    xargs -r umount --lazy
}
