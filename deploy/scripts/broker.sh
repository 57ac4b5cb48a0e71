#!/bin/bash
# Runs the container's Mosquitto, and has it read its users and ACL again when these files change: the keeper writes them
# when a camera comes or goes, and the other clients stay connected.
set -u
folder=${1:-/secrets}

stamps() { stat -c '%.9Y.%i' "$folder/passwd" "$folder/acl" 2>/dev/null; }

mosquitto=$(command -v mosquitto || echo /usr/sbin/mosquitto)
"$mosquitto" -c "$folder/mosquitto.conf" &
pid=$!
trap 'kill -TERM "$pid" 2>/dev/null' TERM INT
exec {never}<> <(:)

seen=$(stamps)
while kill -0 "$pid" 2>/dev/null; do
  read -rt 1 -u "$never" # sleeps without a process of its own
  now=$(stamps)
  if [[ $now != "$seen" && $(wc -w <<<"$now") -eq 2 ]]; then
    seen=$now
    kill -HUP "$pid" 2>/dev/null && echo "users and ACL changed: read again"
  fi
done
wait "$pid"
