# Sourced by the scripts that open the till on a screen in memory (Xvfb). They have set -euo pipefail.
#
# It makes $scratch, a folder that is gone at the end, and gives: screen, until_true, find_window, fill_screen, stop, fail.
# A script adds to what fail tells by a function called explain, and names what must end with it in $children.
# shellcheck shell=bash

me=$(basename "$0" .sh)
deadline=${DEADLINE:-90}
scratch=$(mktemp -d)
chmod 700 "$scratch"
children=() # process ids, ended in the order in which they stand here

# stop PID: asks a process of ours to end, and ends it if it does not in five seconds.
stop() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 50); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null || true
}

cleanup() {
  local pid
  for pid in "${children[@]}"; do stop "$pid"; done
  rm -rf "$scratch"
}
trap cleanup EXIT

explain() { :; }
fail() {
  echo "$me: $1" >&2
  explain >&2
  exit 1
}

# until_true COMMAND...: repeats it until it succeeds; false when the deadline passes or the program in $watched has ended.
watched=''
until_true() {
  local end=$((SECONDS + deadline))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    [ -z "$watched" ] || kill -0 "$watched" 2>/dev/null || return 1
    sleep "${LOOK:-0.2}"
  done
}

# screen LOG: starts Xvfb, and gives every program started after it that screen. -noreset: otherwise the server forgets
# everything when its last client leaves. It chooses a free number by itself.
screen() {
  Xvfb -displayfd 3 -screen 0 1366x768x24 -noreset -nolisten tcp 3>"$scratch/display" 2>"$1" &
  xvfb_pid=$!
  children=("$xvfb_pid")
  until_true test -s "$scratch/display" || fail "Xvfb did not start: $(cat "$1")"
  DISPLAY=:$(cat "$scratch/display")
  export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=es_CL.UTF-8 XDG_RUNTIME_DIR=$scratch
  unset WAYLAND_DISPLAY
}

# run LOG COMMAND...: starts a program on the screen; it is $watched until it is ended.
run() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  watched=$!
  children=("$watched" "$xvfb_pid")
}

# end: ends what run started.
end() {
  stop "$watched"
  wait "$watched" 2>/dev/null || true
  watched=''
  children=("$xvfb_pid")
}

# find_window: sets window, once the program has one to be seen.
window=''
find_window() {
  window=$(xdotool search --onlyvisible --pid "$watched" 2>/dev/null | tail -n 1)
  [ -n "$window" ]
}

# fill_screen: the window takes all of it, and the typing. Asked again until it holds: it sets its own size while it opens.
fill_screen() {
  until_true filled || fail "the window does not take the size of the screen"
  xdotool windowfocus --sync "$window"
}
filled() {
  xdotool windowmove "$window" 0 0 windowsize "$window" 1366 768
  sleep 0.3
  xdotool getwindowgeometry "$window" | grep -q 1366x768
}

photograph() { import -window root "$1"; }

# no_foreign_touch LOG: Fyne says there if a goroutine that is not the window's touched it.
no_foreign_touch() {
  if grep -q 'Error in Fyne call thread' "$1"; then
    fail "the window was touched from a foreign goroutine"
  fi
}
