-- What tills must hear of. Each row of news carries the transaction that last changed it for them, and a till asks for what came
-- after its place. A transaction that commits late has an old number, so nobody reads past the oldest one that still runs.

-- +goose Up

alter table product add column news xid8 not null default '0';
-- What a till told that it costs, IVA included, to the peso: some prices have no net price that leads back to them.
alter table product add column precio_bruto bigint check (precio_bruto >= 0);
alter table customer add column news xid8 not null default '0';
alter table person add column news xid8 not null default '0';
alter table issuer add column news xid8 not null default '0';
create index product_news on product (news, id);
create index customer_news on customer (news, id);
create index person_news on person (news, id);
create index price_list_item_product on price_list_item (product_id);

-- The company's rules of price, as docs/precios.md says. No row: nobody has written any, and each till has its own.
create table promotions (
  single     boolean primary key default true check (single),
  text       text not null,
  updated_at timestamptz not null,
  news       xid8 not null
);

-- Names under which tills may know what is called otherwise now, or is no more.
create table gone (
  kind text not null check (kind in ('product', 'customer')),
  name text not null,
  id   bigint not null generated always as identity,
  news xid8 not null,
  primary key (kind, name)
);
create index gone_news on gone (kind, news, id);

-- Products that became news because their family changed. Rows are only added: who changes a product must not wait for another.
create table product_stirred (
  id         bigint primary key generated always as identity,
  product_id bigint not null,
  news       xid8 not null
);
create index product_stirred_news on product_stirred (news, id);

-- The database in which the numbers of transactions mean what they do. In one that was made from a dump they would not.
create table news_era (
  single     boolean primary key default true check (single),
  generation text not null
);
insert into news_era (generation) values ('');

-- +goose StatementBegin
create function news_now() returns trigger language plpgsql as $$
begin
  new.news := pg_current_xact_id();
  return new;
end $$;
-- +goose StatementEnd

-- Stock and cost are no news: nothing that a till sells by depends on them.
create trigger product_news_made before insert on product for each row execute function news_now();
create trigger product_news before update on product for each row
  when ((old.codigo_interno, old.nombre, old.precio_neto, old.unidad_medida, old.codigo_barras, old.parent_id, old.tax_id, old.is_active, old.is_deleted)
    is distinct from (new.codigo_interno, new.nombre, new.precio_neto, new.unidad_medida, new.codigo_barras, new.parent_id, new.tax_id, new.is_active, new.is_deleted))
  execute function news_now();
create trigger customer_news_made before insert on customer for each row execute function news_now();
create trigger customer_news before update on customer for each row
  when ((old.rut, old.razon_social, old.giro, old.direccion, old.comuna, old.ciudad, old.email, old.price_list_id, old.balance, old.credit_limit, old.is_active)
    is distinct from (new.rut, new.razon_social, new.giro, new.direccion, new.comuna, new.ciudad, new.email, new.price_list_id, new.balance, new.credit_limit, new.is_active))
  execute function news_now();
create trigger person_news_made before insert on person for each row execute function news_now();
create trigger person_news before update on person for each row
  when ((old.rut, old.name, old.role_id, old.is_active, old.is_owner) is distinct from (new.rut, new.name, new.role_id, new.is_active, new.is_owner))
  execute function news_now();
create trigger issuer_news before insert or update on issuer for each row execute function news_now();
create trigger promotions_news before insert or update on promotions for each row execute function news_now();

-- +goose StatementBegin
create function price_written() returns trigger language plpgsql as $$
begin
  new.precio_bruto := null;
  return new;
end $$;
-- +goose StatementEnd
create trigger product_price_written before update of precio_neto, tax_id on product for each row
  when ((old.precio_neto, old.tax_id) is distinct from (new.precio_neto, new.tax_id)) execute function price_written();

-- Rows that became news because something beside them changed. In the order of their numbers: whoever else locks several of them
-- does it so.
-- +goose StatementBegin
create function news_of_products(ids bigint[]) returns void language sql set search_path from current as $$
  with held as (select id from product where id = any(ids) and news < pg_current_xact_id() order by id for no key update)
  update product set news = pg_current_xact_id() where id in (select id from held);
$$;
-- +goose StatementEnd
-- +goose StatementBegin
create function news_of_customers(ids bigint[]) returns void language sql set search_path from current as $$
  with held as (select id from customer where id = any(ids) and news < pg_current_xact_id() order by id for no key update)
  update customer set news = pg_current_xact_id() where id in (select id from held);
$$;
-- +goose StatementEnd

-- A family is not sold itself, and its variants have its name.
-- +goose StatementBegin
create function product_family_news() returns trigger language plpgsql set search_path from current as $$
declare kin bigint[];
begin
  if tg_op = 'INSERT' then
    kin := array[new.parent_id];
  else
    if (old.parent_id, old.is_deleted) is distinct from (new.parent_id, new.is_deleted) then
      kin := array[old.parent_id, new.parent_id];
    end if;
    if old.nombre <> new.nombre then
      kin := kin || array(select id from product where parent_id = new.id);
    end if;
    if old.codigo_interno <> new.codigo_interno then
      insert into gone (kind, name, news) values ('product', old.codigo_interno, pg_current_xact_id())
        on conflict (kind, name) do update set news = excluded.news;
    end if;
  end if;
  insert into product_stirred (product_id, news) select distinct k, pg_current_xact_id() from unnest(kin) k
    where k is not null and not exists (select from product_stirred s where s.news = pg_current_xact_id() and s.product_id = k);
  return null;
end $$;
-- +goose StatementEnd
create trigger product_family_made after insert on product for each row when (new.parent_id is not null) execute function product_family_news();
create trigger product_family after update of codigo_interno, nombre, parent_id, is_deleted on product for each row execute function product_family_news();

-- +goose StatementBegin
create function customer_gone() returns trigger language plpgsql set search_path from current as $$
begin
  insert into gone (kind, name, news) values ('customer', old.rut::text, pg_current_xact_id())
    on conflict (kind, name) do update set news = excluded.news;
  return null;
end $$;
-- +goose StatementEnd
create trigger customer_gone after delete on customer for each row execute function customer_gone();
create trigger customer_renamed after update of rut on customer for each row when (old.rut <> new.rut) execute function customer_gone();

-- +goose StatementBegin
create function tax_news() returns trigger language plpgsql set search_path from current as $$
begin
  perform news_of_products(array(select id from product where tax_id = new.id));
  return null;
end $$;
-- +goose StatementEnd
create trigger tax_news after update of rate on tax for each row when (old.rate <> new.rate) execute function tax_news();

-- +goose StatementBegin
create function price_list_news() returns trigger language plpgsql set search_path from current as $$
begin
  perform news_of_products(array(select product_id from price_list_item where price_list_id = new.id));
  perform news_of_customers(array(select id from customer where price_list_id = new.id));
  return null;
end $$;
-- +goose StatementEnd
create trigger price_list_news after update of name on price_list for each row when (old.name <> new.name) execute function price_list_news();

-- +goose StatementBegin
create function price_item_news() returns trigger language plpgsql set search_path from current as $$
begin
  perform news_of_products(array(select product_id from changed));
  return null;
end $$;
-- +goose StatementEnd
create trigger price_item_made after insert on price_list_item referencing new table as changed for each statement execute function price_item_news();
create trigger price_item_news after update on price_list_item referencing new table as changed for each statement execute function price_item_news();
create trigger price_item_gone after delete on price_list_item referencing old table as changed for each statement execute function price_item_news();

-- The limit of customers who have none of their own.
-- +goose StatementBegin
create function credit_news() returns trigger language plpgsql set search_path from current as $$
begin
  perform news_of_customers(array(select id from customer where credit_limit is null));
  return null;
end $$;
-- +goose StatementEnd
create trigger credit_news after update of credit_limit on settings for each row when (old.credit_limit <> new.credit_limit) execute function credit_news();

-- +goose StatementBegin
create function role_news() returns trigger language plpgsql set search_path from current as $$
begin
  update person set news = pg_current_xact_id() where role_id = new.id;
  return null;
end $$;
-- +goose StatementEnd
create trigger role_news after update of name, can_manage_users, can_perform_sales, can_perform_returns on role for each row execute function role_news();

-- +goose StatementBegin
do $$
declare company text := current_setting('mostrador.role');
begin
  execute format('grant select, insert, update on promotions, gone, news_era, product_stirred to %I', company);
  execute format('grant usage on all sequences in schema %I to %I', current_schema(), company);
end $$;
-- +goose StatementEnd

-- +goose Down
drop trigger role_news on role;
drop trigger credit_news on settings;
drop trigger price_item_made on price_list_item;
drop trigger price_item_news on price_list_item;
drop trigger price_item_gone on price_list_item;
drop trigger price_list_news on price_list;
drop trigger tax_news on tax;
drop trigger customer_gone on customer;
drop trigger customer_renamed on customer;
drop trigger product_family_made on product;
drop trigger product_family on product;
drop trigger issuer_news on issuer;
drop trigger person_news_made on person;
drop trigger person_news on person;
drop trigger customer_news_made on customer;
drop trigger customer_news on customer;
drop trigger product_price_written on product;
drop trigger product_news_made on product;
drop trigger product_news on product;
drop table gone, promotions, news_era, product_stirred;
drop index price_list_item_product;
alter table product drop column news, drop column precio_bruto;
alter table customer drop column news;
alter table person drop column news;
alter table issuer drop column news;
drop function role_news, credit_news, price_item_news, price_list_news, tax_news, customer_gone, product_family_news, news_of_customers, news_of_products, price_written, news_now;
