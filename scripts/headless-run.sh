#!/usr/bin/env bash
# Opens the till on a fresh practice shop on a screen in memory (Xvfb), sells one boleta with real key events, and
# succeeds only if the (simulated) SII accepted it. Leaves under $OUT: pantalla.png (and one of each step), boleta.xml,
# boleta.pdf, ticket.png, ticket.bin, estado.json, till.log.
#
# Usage: scripts/headless-run.sh [BINARY]
# KEYS: what is typed, in order. A word that begins with a digit is typed, as a scanner would; any other is the name of
# a key. DEADLINE: seconds for each wait. The till writes "documents": N and "accepted": N into its status file.
set -euo pipefail
cd "$(dirname "$0")/.."

till=${1:-bin/till}
out=${OUT:-out/run}
keys=${KEYS:-7809990030140 Return 7809990005483 Return 7809990005483 Return F12 Return Return}
DEADLINE=${DEADLINE:-60}

rm -rf "$out"
mkdir -p "$out"
# shellcheck source=scripts/screen.sh
. scripts/screen.sh

explain() {
  [ ! -s "$out/till.log" ] || { echo "--- last lines of $out/till.log"; tail -n 20 "$out/till.log"; }
  [ ! -s "$out/estado.json" ] || { echo "--- $out/estado.json"; cat "$out/estado.json"; }
}

screen "$out/xvfb.log"
run "$out/till.log" "$till" -demo -dir "$scratch/tienda" -status-file "$out/estado.json" -out "$scratch/papel"
until_true find_window || fail "the window did not open within $deadline s"
until_true test -s "$out/estado.json" || fail "the till did not say how it is"
fill_screen

sleep 1 # the first drawing, on a machine that draws in software
for word in $keys; do
  case "$word" in
    [0-9]*) xdotool type --delay 10 -- "$word" ;; # as fast as a scanner, and its Enter follows at once
    F12) photograph "$out/pantalla-venta.png"; xdotool key -- "$word"; sleep 0.6; photograph "$out/pantalla-pago.png" ;;
    *) xdotool key -- "$word"; sleep 0.6 ;; # as a person would: the screen is drawn between two gestures
  esac
done

count() { sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" "$out/estado.json" | head -n 1; }
issued() { [ "$(count documents)" = 1 ]; }
accepted() { [ "$(count accepted)" = 1 ]; }
until_true issued || { photograph "$out/pantalla.png"; fail "no boleta was issued; see $out/pantalla.png"; }
photograph "$out/pantalla.png"
until_true accepted || fail "the boleta was issued, but the SII did not accept it within $deadline s"

# keep PATTERN NAME: the printed copy under a name that does not depend on the folio.
printed() { compgen -G "$scratch/papel/$1" >/dev/null; }
keep() {
  until_true printed "$1" || fail "no $1 was left by the till"
  # shellcheck disable=SC2086 # the pattern is meant to be one
  cp "$(ls -t "$scratch"/papel/$1 | head -n 1)" "$out/$2"
}
keep '*.xml' boleta.xml
keep '*.pdf' boleta.pdf
keep '*.png' ticket.png
keep '*.bin' ticket.bin

end
no_foreign_touch "$out/till.log"
echo "One boleta sold and accepted. See $out/: $(ls "$out" | tr '\n' ' ')"
