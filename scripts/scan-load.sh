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
# shellcheck source=scripts/screen.sh
. scripts/screen.sh

go build -buildvcs=false -o "$scratch/typist" ./scripts/typist
# the codes of the practice shop that a scanner reads, over and over: no two alike follow each other, so each is a line
grep -oE '^780[0-9]{10};' assets/demo/productos.csv | tr -d ';' >"$scratch/all"
awk -v n=$((first + then)) '{ code[NR] = $0 } END { for (i = 0; i < n; i++) print code[i % NR + 1] }' "$scratch/all" >"$scratch/codes"

screen "$out/xvfb.log"
run "$out/till.log" "$till" -demo -dir "$scratch/tienda" -status-file "$out/estado.json" -out "$scratch/papel"
until_true find_window || fail "the window did not open"
until_true test -s "$out/estado.json" || fail "the till did not say how it is"
fill_screen
sleep 2

head -n "$first" "$scratch/codes" | "$scratch/typist" -every 100ms
sleep 3
begun=$(date +%s.%N)
tail -n "$then" "$scratch/codes" | "$scratch/typist" -pace "${PACE:-1ms}" -every "${EVERY:-200ms}"
ended=$(date +%s.%N)
sleep 5
photograph "$out/carro.png"
xdotool key F12
sleep 1
photograph "$out/pago.png"
xdotool key Return
sleep 1
xdotool key Return
printed() { compgen -G "$scratch/papel/*.xml" >/dev/null; }
until_true printed || { photograph "$out/pantalla.png"; fail "no boleta was issued; see $out/pantalla.png"; }
cp "$scratch"/papel/*.xml "$out/boleta.xml"
grep -oE '<VlrCodigo>[^<]*' "$out/boleta.xml" | cut -d'>' -f2 >"$out/vendidos.txt" || true
cp "$scratch/codes" "$out/escaneados.txt"
awk -v b="$begun" -v e="$ended" -v n="$then" -v v="$(wc -l <"$out/vendidos.txt")" -v all=$((first + then)) \
  'BEGIN { printf "%d codes in %.1f s (%.2f/s); %d of %d on the boleta\n", n, e - b, n / (e - b), v, all }'
cmp "$out/escaneados.txt" "$out/vendidos.txt" || fail "the boleta does not have what was scanned; see $out/"
no_foreign_touch "$out/till.log"
echo "None lost, none doubled, in order."
