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
deadline=${DEADLINE:-60}

rm -rf "$out"
mkdir -p "$out"
scratch=$(mktemp -d)
chmod 700 "$scratch"
xvfb_pid='' till_pid=''

cleanup() {
  [ -z "$till_pid" ] || stop "$till_pid"
  [ -z "$xvfb_pid" ] || stop "$xvfb_pid"
  rm -rf "$scratch"
}
trap cleanup EXIT

# stop asks a process of ours to end, and ends it if it does not in five seconds.
stop() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 50); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null || true
}

fail() {
  echo "headless-run: $1" >&2
  [ ! -s "$out/till.log" ] || { echo "--- last lines of $out/till.log" >&2; tail -n 20 "$out/till.log" >&2; }
  [ ! -s "$out/estado.json" ] || { echo "--- $out/estado.json" >&2; cat "$out/estado.json" >&2; }
  exit 1
}

# until_true COMMAND...: repeats it until it succeeds; false when the deadline passes or the till has ended.
until_true() {
  local end=$((SECONDS + deadline))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    [ -z "$till_pid" ] || kill -0 "$till_pid" 2>/dev/null || return 1
    sleep 0.2
  done
}

photograph() { import -window root "$out/$1"; }

# -noreset: otherwise the server forgets everything when its last client leaves. It chooses a free number by itself.
Xvfb -displayfd 3 -screen 0 1366x768x24 -noreset -nolisten tcp 3>"$scratch/display" 2>"$out/xvfb.log" &
xvfb_pid=$!
until_true test -s "$scratch/display" || fail "Xvfb did not start: $(cat "$out/xvfb.log")"
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
until_true find_window || fail "the window did not open within $deadline s"
until_true test -s "$out/estado.json" || fail "the till did not say how it is"
fills_screen() { # asked again until it holds: the window sets its own size while it opens
  xdotool windowmove "$window" 0 0 windowsize "$window" 1366 768
  sleep 0.3
  xdotool getwindowgeometry "$window" | grep -q 1366x768
}
until_true fills_screen || fail "the window does not take the size of the screen"
xdotool windowfocus --sync "$window"

sleep 1 # the first drawing, on a machine that draws in software
for word in $keys; do
  case "$word" in
    [0-9]*) xdotool type --delay 10 -- "$word" ;; # as fast as a scanner, and its Enter follows at once
    F12) photograph pantalla-venta.png; xdotool key -- "$word"; sleep 0.6; photograph pantalla-pago.png ;;
    *) xdotool key -- "$word"; sleep 0.6 ;; # as a person would: the screen is drawn between two gestures
  esac
done

count() { sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" "$out/estado.json" | head -n 1; }
issued() { [ "$(count documents)" = 1 ]; }
accepted() { [ "$(count accepted)" = 1 ]; }
until_true issued || { photograph pantalla.png; fail "no boleta was issued; see $out/pantalla.png"; }
photograph pantalla.png
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

stop "$till_pid"
wait "$till_pid" 2>/dev/null || true
till_pid=''
if grep -q 'Error in Fyne call thread' "$out/till.log"; then
  fail "the window was touched from a foreign goroutine"
fi
echo "One boleta sold and accepted. See $out/: $(ls "$out" | tr '\n' ' ')"
