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
# shellcheck source=scripts/screen.sh
. scripts/screen.sh

screen "$out/xvfb.log"

# open NAME COMMAND...: starts it and makes its window as large as the screen
open() {
  local name=$1
  shift
  run "$out/$name.log" "$@"
  until_true find_window || fail "$name ended by itself, or has no window; see $out/$name.log"
  fill_screen
  sleep 3
}
# resident WHAT: the memory of the running program
resident() {
  awk -v what="$1" '/^VmRSS/ { rss = $2 } /^RssFile/ { file = $2 }
    END { printf "%-22s %d MiB resident, %d of them pages of files\n", what, rss / 1024, file / 1024 }' "/proc/$watched/status"
}

# ticks PID: the processor time that it used so far, in ms
ticks() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
# judge WHAT EYE CODES: types them, tells what the eye saw, and the processor time of each
judge() {
  local till server
  till=$(ticks "$watched") server=$(ticks "$xvfb_pid")
  printf '%-22s ' "$1"
  "$scratch/typist" -pace 1ms -every "$every" -eye "$2" <"$3"
  awk -v n="$scans" -v w="$till" -v s="$server" -v W="$(ticks "$watched")" -v S="$(ticks "$xvfb_pid")" \
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
photograph "$out/carro.png"
tail -n "$scans" "$scratch/codes" >"$scratch/measured"
judge "scan, 200 lines:" 946,60,300,16 "$scratch/measured"
photograph "$out/despues.png"
resident "till after it:"
end
echo "the till itself says:"
sed 's/^/  /' "$out/diagnostico.txt"
echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
