#!/usr/bin/env bash
# Starts the till of a shop with 100,000 products and 20,000 price rules on a screen in memory, five times, and prints how
# long it takes until its window is there, and what memory it holds then.
#
# Usage: scripts/cold-start.sh [FOLDER OF till AND tillctl]
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${1:-bin}
DEADLINE=${DEADLINE:-30}
# shellcheck source=scripts/screen.sh
. scripts/screen.sh
explain() { cat "$scratch/till.log" || true; }

screen "$scratch/xvfb.log"

# start opens the till and sets took (milliseconds until its window is visible).
start() {
  local began
  began=$(date +%s%N)
  run "$scratch/till.log" "$bin/till" -demo -dir "$scratch/tienda" -llave archivo
  LOOK=0.02 until_true find_window || fail "the till ended by itself, or has no window within $deadline s"
  took=$((($(date +%s%N) - began) / 1000000))
}

# memory of the running till, after what: $1
memory() {
  sleep 3
  awk -v what="$1" '/^VmHWM/ { peak = $2 } /^VmRSS/ { rss = $2 } /^RssFile/ { file = $2 }
    END { printf "%s; %d MiB resident 3 s later (%d of them pages of files), %d at the peak\n", what, rss / 1024, file / 1024, peak / 1024 }' "/proc/$watched/status"
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
