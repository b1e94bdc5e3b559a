# Mirrors are slow at times: three attempts, each with a longer wait before it.
retry() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return
    echo "failed (attempt $attempt): $*"
    [[ $attempt == 3 ]] && return 1
    sleep $((attempt * 10))
  done
}
