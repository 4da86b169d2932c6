#!/usr/bin/env bash
# Puts 100,000 products and 20,000 price rules into the practice shop of a folder.
#
# Usage: scripts/big-shop.sh TILLCTL FOLDER-OF-THE-SHOP
set -euo pipefail

tillctl=$1 shop=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
awk 'BEGIN { print "codigo;nombre;precio;categoria"
  for (i = 0; i < 100000; i++) printf "79%08d;Artículo de prueba número %d;%d;Categoría %d\n", i, i, 500 + i % 9000, i % 200 }' >"$scratch/productos.csv"
awk 'BEGIN { printf "{\"version\":1,\"reglas\":["
  for (i = 0; i < 20000; i++) printf "%s{\"nombre\":\"Lleva 3 paga 2 (%d)\",\"tipo\":\"nxm\",\"lleve\":3,\"pague\":2,\"productos\":[\"79%08d\"]}", (i ? "," : ""), i, i
  print "]}" }' >"$scratch/reglas.json"
"$tillctl" productos import -dir "$shop" -llave archivo "$scratch/productos.csv"
"$tillctl" precios import -dir "$shop" -llave archivo "$scratch/reglas.json"
