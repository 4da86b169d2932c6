#!/usr/bin/env bash
# How long it takes from a scan's Enter until the line is on the screen, in a window on a screen in memory, judged from
# outside: real key events, and a look at the pixels. The till has 100,000 products, 20,000 price rules and a cart of 200
# lines; the same eye first judges the emptiest window there is.
#
# Usage: scripts/bench-window.sh [FOLDER OF till AND tillctl]
# SCANS: how many are measured. EVERY: from one to the next, as Go writes durations.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${1:-bin}
out=${OUT:-out/bench-window}
scans=${SCANS:-300}
every=${EVERY:-200ms}
rm -rf "$out"
mkdir -p "$out"
scratch=$(mktemp -d)
chmod 700 "$scratch"
xvfb_pid='' window_pid=''

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
  stop "$window_pid"
  stop "$xvfb_pid"
  rm -rf "$scratch"
}
trap cleanup EXIT
fail() { echo "bench-window: $1" >&2; exit 1; }

Xvfb -displayfd 3 -screen 0 1366x768x24 -noreset -nolisten tcp 3>"$scratch/display" 2>"$out/xvfb.log" &
xvfb_pid=$!
for _ in $(seq 100); do [ -s "$scratch/display" ] && break; sleep 0.1; done
[ -s "$scratch/display" ] || fail "Xvfb did not start"
DISPLAY=:$(cat "$scratch/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=es_CL.UTF-8 XDG_RUNTIME_DIR=$scratch
unset WAYLAND_DISPLAY

# open NAME COMMAND...: starts it and makes its window as large as the screen
open() {
  local name=$1 window=''
  shift
  "$@" >"$out/$name.log" 2>&1 &
  window_pid=$!
  for _ in $(seq 900); do
    window=$(xdotool search --onlyvisible --pid "$window_pid" 2>/dev/null | tail -n 1) || true
    [ -n "$window" ] && break
    kill -0 "$window_pid" 2>/dev/null || fail "$name ended by itself; see $out/$name.log"
    sleep 0.1
  done
  [ -n "$window" ] || fail "$name has no window"
  xdotool windowmove "$window" 0 0 windowsize "$window" 1366 768 windowfocus --sync "$window"
  sleep 3
}
end() {
  stop "$window_pid"
  wait "$window_pid" 2>/dev/null || true
  window_pid=''
}
# resident WHAT: the memory of the running program
resident() {
  awk -v what="$1" '/^VmRSS/ { rss = $2 } /^RssFile/ { file = $2 }
    END { printf "%-22s %d MiB resident, %d of them pages of files\n", what, rss / 1024, file / 1024 }' "/proc/$window_pid/status"
}

# ticks PID: the processor time that it used so far, in ms
ticks() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
# judge WHAT EYE CODES: types them, tells what the eye saw, and the processor time of each
judge() {
  local window screen
  window=$(ticks "$window_pid") screen=$(ticks "$xvfb_pid")
  printf '%-22s ' "$1"
  "$scratch/typist" -pace 1ms -every "$every" -eye "$2" <"$3"
  awk -v n="$scans" -v w="$window" -v s="$screen" -v W="$(ticks "$window_pid")" -v S="$(ticks "$xvfb_pid")" \
    'BEGIN { printf "%-22s %.1f ms of a processor each, and %.1f of the X server\n", "", (W - w) / n, (S - s) / n }'
}

echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
go build -buildvcs=false -tags no_metadata -o "$scratch/" ./scripts/typist ./ui/blank
open blank "$scratch/blank"
resident "blank window:"
awk -v n="$scans" 'BEGIN { while (n--) print "" }' >"$scratch/enters"
judge "blank window:" 16,300,200,16 "$scratch/enters"
end

open shop "$bin/till" -demo -dir "$scratch/tienda" -llave archivo
end
scripts/big-shop.sh "$bin/tillctl" "$scratch/tienda" >"$out/shop.log"
open till "$bin/till" -demo -dir "$scratch/tienda" -llave archivo -diagnostico "$out/diagnostico.txt"
resident "till:"
awk -v n=$((200 + scans)) 'BEGIN { for (i = 0; i < n; i++) printf "79%08d\n", i * 7919 % 100000 }' >"$scratch/codes"
head -n 200 "$scratch/codes" | "$scratch/typist" -pace 1ms -every 100ms
sleep 3
import -window root "$out/carro.png"
tail -n "$scans" "$scratch/codes" >"$scratch/measured"
judge "scan, 200 lines:" 946,60,300,16 "$scratch/measured"
import -window root "$out/despues.png"
resident "till after it:"
end
echo "the till itself says:"
sed 's/^/  /' "$out/diagnostico.txt"
echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
