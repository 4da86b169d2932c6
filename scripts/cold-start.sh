#!/usr/bin/env bash
# Starts the till of a shop with 100,000 products and 20,000 price rules on a screen in memory, five times, and prints how
# long it takes until its window is there, and what memory it holds then.
#
# Usage: scripts/cold-start.sh [FOLDER OF till AND tillctl]
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${1:-bin}
scratch=$(mktemp -d)
chmod 700 "$scratch"
xvfb_pid='' till_pid=''

stop() {
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 50); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null || true
}
cleanup() {
  stop "$till_pid"
  stop "$xvfb_pid"
  rm -rf "$scratch"
}
trap cleanup EXIT
fail() { echo "cold-start: $1" >&2; cat "$scratch/till.log" >&2 || true; exit 1; }

Xvfb -displayfd 3 -screen 0 1366x768x24 -noreset -nolisten tcp 3>"$scratch/display" 2>"$scratch/xvfb.log" &
xvfb_pid=$!
for _ in $(seq 100); do [ -s "$scratch/display" ] && break; sleep 0.1; done
[ -s "$scratch/display" ] || fail "Xvfb did not start"
DISPLAY=:$(cat "$scratch/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=es_CL.UTF-8 XDG_RUNTIME_DIR=$scratch
unset WAYLAND_DISPLAY

# start opens the till and sets took (milliseconds until its window is visible).
start() {
  local began
  began=$(date +%s%N)
  "$bin/till" -demo -dir "$scratch/tienda" -llave archivo >"$scratch/till.log" 2>&1 &
  till_pid=$!
  for _ in $(seq 1500); do
    if xdotool search --onlyvisible --pid "$till_pid" >/dev/null 2>&1; then
      took=$((($(date +%s%N) - began) / 1000000))
      return 0
    fi
    kill -0 "$till_pid" 2>/dev/null || fail "the till ended by itself"
    sleep 0.02
  done
  fail "no window within 30 s"
}
end() {
  stop "$till_pid"
  wait "$till_pid" 2>/dev/null || true
  till_pid=''
}

# memory of the running till, after what: $1
memory() {
  sleep 3
  awk -v what="$1" '/^VmHWM/ { peak = $2 } /^VmRSS/ { rss = $2 } /^RssFile/ { file = $2 }
    END { printf "%s; %d MiB resident 3 s later (%d of them pages of files), %d at the peak\n", what, rss / 1024, file / 1024, peak / 1024 }' "/proc/$till_pid/status"
}

start # makes the practice shop
memory "139 products: window after $took ms, the shop made on the way"
end
scripts/big-shop.sh "$bin/tillctl" "$scratch/tienda"

for _ in 1 2 3 4 5; do
  start
  memory "100,000 products: window after $took ms"
  end
done
