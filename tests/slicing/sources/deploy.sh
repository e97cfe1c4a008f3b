#!/usr/bin/env bash
# Copies a release to the servers.
set -euo pipefail

readonly RELEASES=/srv/releases
KEEP=${KEEP:-5}

usage() {
  cat <<TEXT
deploy.sh [-n] VERSION
  -n  says what would be done
TEXT
  exit 2
}

# Prints a line with the time in front.
log() {
  printf '%s %s\n' "$(date +%T)" "$*" >&2
}

function upload {
  local server=$1 archive=$2
  log "uploading $archive to $server"
  scp -q "$archive" "$server:$RELEASES/"
  ssh "$server" "tar -C $RELEASES -xf $RELEASES/$(basename "$archive")"
}

prune() {
  local server=$1
  ssh "$server" "ls -1t $RELEASES" | tail -n "+$((KEEP + 1))" | while read -r old; do
    log "removing $old from $server"
    ssh "$server" "rm -rf $RELEASES/$old"
  done
}

dry_run=no
while getopts n option; do
  case $option in
    n) dry_run=yes ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -eq 1 ]] || usage

for server in $(cat servers.txt); do
  if [[ $dry_run == yes ]]; then
    log "would deploy $1 to $server"
    continue
  fi
  upload "$server" "$1.tar.gz"
  prune "$server"
done
