#!/usr/bin/env bash
# Types codes like a scanner, 1,000 characters a second and five codes a second for a minute, into a cart that has 200 lines
# already, on a screen in memory with real key events. Succeeds only if the issued boleta has every code once, in order.
#
# Usage: scripts/scan-load.sh [BINARY]
# FIRST and THEN: how many codes before and during the minute. PACE, EVERY: as Go writes durations.
set -euo pipefail
cd "$(dirname "$0")/.."

till=${1:-bin/till}
out=${OUT:-out/scan-load}
first=${FIRST:-200} then=${THEN:-300}
rm -rf "$out"
mkdir -p "$out"
scratch=$(mktemp -d)
chmod 700 "$scratch"
xvfb_pid='' till_pid=''

stop() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 50); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null || true
}
cleanup() {
  [ -z "$till_pid" ] || stop "$till_pid"
  [ -z "$xvfb_pid" ] || stop "$xvfb_pid"
  rm -rf "$scratch"
}
trap cleanup EXIT
fail() { echo "scan-load: $1" >&2; exit 1; }
until_true() {
  local end=$((SECONDS + 90))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

go build -buildvcs=false -o "$scratch/typist" ./scripts/typist
# the codes of the practice shop that a scanner reads, over and over: no two alike follow each other, so each is a line
grep -oE '^780[0-9]{10};' assets/demo/productos.csv | tr -d ';' >"$scratch/all"
awk -v n=$((first + then)) '{ code[NR] = $0 } END { for (i = 0; i < n; i++) print code[i % NR + 1] }' "$scratch/all" >"$scratch/codes"

Xvfb -displayfd 3 -screen 0 1366x768x24 -noreset -nolisten tcp 3>"$scratch/display" 2>"$out/xvfb.log" &
xvfb_pid=$!
until_true test -s "$scratch/display" || fail "Xvfb did not start"
DISPLAY=:$(cat "$scratch/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=es_CL.UTF-8 XDG_RUNTIME_DIR=$scratch
unset WAYLAND_DISPLAY
"$till" -demo -dir "$scratch/tienda" -status-file "$out/estado.json" -out "$scratch/papel" >"$out/till.log" 2>&1 &
till_pid=$!
window=''
find_window() {
  window=$(xdotool search --onlyvisible --pid "$till_pid" 2>/dev/null | tail -n 1)
  [ -n "$window" ]
}
until_true find_window || fail "the window did not open"
until_true test -s "$out/estado.json" || fail "the till did not say how it is"
xdotool windowmove "$window" 0 0 windowsize "$window" 1366 768 windowfocus --sync "$window"
sleep 2

head -n "$first" "$scratch/codes" | "$scratch/typist" -every 100ms
sleep 3
begun=$(date +%s.%N)
tail -n "$then" "$scratch/codes" | "$scratch/typist" -pace "${PACE:-1ms}" -every "${EVERY:-200ms}"
ended=$(date +%s.%N)
sleep 5
import -window root "$out/carro.png"
xdotool key F12
sleep 1
import -window root "$out/pago.png"
xdotool key Return
sleep 1
xdotool key Return
printed() { compgen -G "$scratch/papel/*.xml" >/dev/null; }
until_true printed || { import -window root "$out/pantalla.png"; fail "no boleta was issued; see $out/pantalla.png"; }
cp "$scratch"/papel/*.xml "$out/boleta.xml"
grep -oE '<VlrCodigo>[^<]*' "$out/boleta.xml" | cut -d'>' -f2 >"$out/vendidos.txt" || true
cp "$scratch/codes" "$out/escaneados.txt"
awk -v b="$begun" -v e="$ended" -v n="$then" -v v="$(wc -l <"$out/vendidos.txt")" -v all=$((first + then)) \
  'BEGIN { printf "%d codes in %.1f s (%.2f/s); %d of %d on the boleta\n", n, e - b, n / (e - b), v, all }'
cmp "$out/escaneados.txt" "$out/vendidos.txt" || fail "the boleta does not have what was scanned; see $out/"
if grep -q 'Error in Fyne call thread' "$out/till.log"; then
  fail "the window was touched from a foreign goroutine"
fi
echo "None lost, none doubled, in order."
