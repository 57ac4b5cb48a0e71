#!/usr/bin/env bash
# One backup, for cron or a timer. VIGILAR_BACKUP_DIR (default /var/vigilar/backups), VIGILAR_BACKUP_RETENTION_DAYS
# (default 30, 0 keeps for ever), VIGILAR_BACKUP_ENCRYPT=0 (an archive that anyone can read), VIGILAR_BACKUP_RECIPIENT
# (an age1… key or a file with one), VIGILAR_CONFIG (default /etc/vigilar/vigilar.toml), VIGILAR (the command),
# VIGILAR_BACKUP_DRILL=1 (then try the newest one as `vigilar restore --drill` does).
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")/../.." && pwd)
vigilar=${VIGILAR:-}
for candidate in "$here/.venv/bin/vigilar" /opt/vigilar/venv/bin/vigilar; do
  [ -z "$vigilar" ] && [ -x "$candidate" ] && vigilar=$candidate
done
[ -n "$vigilar" ] || vigilar=$(command -v vigilar) || { echo "backup.sh: no vigilar command; set VIGILAR" >&2; exit 1; }
config=${VIGILAR_CONFIG:-/etc/vigilar/vigilar.toml}
"$vigilar" backup -c "$config" "$@"
if [ "${VIGILAR_BACKUP_DRILL:-0}" = 1 ]; then
  identity=$(dirname "$config")/recovery/backup_age.txt
  words=()
  if [ -f "$identity" ]; then words=(--identity "$identity"); fi
  "$vigilar" restore --drill -c "$config" "${words[@]}"
fi
