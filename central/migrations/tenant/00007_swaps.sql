-- What an exchange moved beside the lines of its document, which says the difference only. The amounts of its rows add up to
-- nothing: what one product is given another one loses.

-- +goose Up

create table sale_swap (
  sale_id    bigint not null references sale,
  line       integer not null check (line > 0),
  product_id bigint not null references product,
  -- What came back, so much of that line of that sale. Below zero where the exchange was annulled: it is sold again.
  of_id      bigint references sale,
  of_line    integer,
  cantidad   bigint,
  -- What the report of the product has more: units that are gone, pesos, millionths of cost.
  unidades   bigint not null,
  neto       bigint not null,
  total      bigint not null,
  costo      bigint not null,
  at         timestamptz not null, -- the exchange's
  primary key (sale_id, line),
  check ((of_id is null) = (of_line is null) and (of_id is null) = (cantidad is null))
);
create index sale_swap_of on sale_swap (of_id) where of_id is not null;
create index sale_swap_at on sale_swap (at);

-- Days with packs are added up anew: reports count what is in them.
-- +goose StatementBegin
do $$
declare company text := current_setting('mostrador.role');
begin
  execute format('grant select, insert on sale_swap to %I', company);
  with packed as materialized (
    select distinct (s.created_at at time zone 'America/Santiago')::date as day from sale_line l join sale s on s.id = l.sale_id where l.contenido <> 1000000),
  totals as (delete from day_total where day in (select day from packed)),
  products as (delete from day_product where day in (select day from packed))
  delete from day_closed where day in (select day from packed);
end $$;
-- +goose StatementEnd

-- +goose Down
drop table sale_swap;
