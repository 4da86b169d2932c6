-- Everything of one company. Runs with search_path = its schema and role = the owner; mostrador.role names the company's role.
-- Pesos are whole; quantities and unit costs are millionths (package money). Days are Chilean days.

-- +goose Up

create table issuer (
  single         boolean primary key default true check (single),
  rut          integer not null,
  razon_social text not null,
  giro         text not null default '',
  acteco       text not null default '',
  direccion    text not null default '',
  comuna       text not null default '',
  ciudad       text not null default '',
  telefono     text not null default '',
  email        text not null default '',
  -- The resolution that lets the company issue, in its environment.
  resolucion_nro integer not null default 0,
  resolucion_fch date,
  created_at   timestamptz not null,
  updated_at   timestamptz not null
);

create table tax (
  id         bigint generated always as identity primary key,
  name       text not null unique,
  rate       integer not null check (rate in (0, 1900)), -- basis points: exempt, or the IVA that documents carry
  is_active  boolean not null default true,
  is_default boolean not null default false
);
create unique index tax_one_default on tax (is_default) where is_default;

create table settings (
  single           boolean primary key default true check (single),
  print_format   text not null default '80mm' check (print_format in ('57mm', '58mm', '80mm', 'carta')),
  iva_default_id bigint references tax,
  cash_control   boolean not null default true,
  credit_days    integer not null default 30 check (credit_days between 0 and 365),
  credit_limit   bigint not null default 100000 check (credit_limit >= 0) -- of customers without one of their own
);

create table role (
  id                  bigint generated always as identity primary key,
  name                text not null unique,
  description         text not null default '',
  can_manage_users    boolean not null default false,
  can_view_reports    boolean not null default false,
  can_edit_products   boolean not null default false,
  can_perform_sales   boolean not null default false,
  can_perform_returns boolean not null default false,
  permissions         jsonb not null default '{}'
);

create table person (
  id         bigint generated always as identity primary key,
  account_id bigint unique, -- of the shared table; no key crosses schemas
  rut        text not null default '',
  email      text not null default '',
  name       text not null,
  role       text not null default '',
  role_id    bigint references role,
  is_active  boolean not null default true,
  is_owner   boolean not null default false,
  is_system  boolean not null default false
);
create unique index person_rut on person (rut) where rut <> '';
create unique index person_one_system on person (is_system) where is_system;

create table price_list (
  id          bigint generated always as identity primary key,
  name        text not null unique,
  description text not null default ''
);

create table customer (
  id            bigint generated always as identity primary key,
  rut           integer not null unique,
  razon_social  text not null,
  giro          text not null default '',
  direccion     text not null default '',
  comuna        text not null default '',
  ciudad        text not null default '',
  email         text not null default '',
  price_list_id bigint references price_list on delete set null,
  balance       bigint not null default 0, -- what the customer owes
  credit_limit  bigint check (credit_limit >= 0), -- null: as in the settings
  credit_days   integer check (credit_days between 0 and 365),
  is_active     boolean not null default true,
  search        text not null generated always as (lower(razon_social) || ' ' || rut::text) stored,
  created_at    timestamptz not null,
  updated_at    timestamptz not null
);
create index customer_name on customer (razon_social, id);
create index customer_search on customer using gin (search extensions.gin_trgm_ops);

create table brand (
  id   bigint generated always as identity primary key,
  name text not null unique check (name <> '')
);

-- One row: numbers that never step back.
create table counter (
  single boolean primary key default true check (single),
  sku  bigint not null default 0
);

create table product (
  id             bigint generated always as identity primary key,
  codigo_interno text not null check (codigo_interno <> ''),
  nombre         text not null check (nombre <> ''),
  descripcion    text not null default '',
  precio_neto    bigint not null check (precio_neto >= 0),
  costo_unitario bigint not null default 0 check (costo_unitario >= 0), -- millionths of a peso
  costo_base     bigint not null default 0, -- as somebody wrote it; what it costs when no purchase says
  unidad_medida  text not null default 'unidad',
  codigo_barras  text,
  controla_stock boolean not null default false,
  stock_actual   bigint not null default 0,
  stock_minimo   bigint not null default 0,
  parent_id      bigint references product,
  brand_id       bigint references brand,
  tax_id         bigint references tax,
  is_active      boolean not null default true,
  is_deleted     boolean not null default false,
  updated_at     timestamptz not null,
  check (parent_id <> id),
  check (stock_actual >= 0 or not controla_stock)
);
create unique index product_sku on product (codigo_interno);
create unique index product_barcode on product (codigo_barras) where codigo_barras is not null and not is_deleted;
create index product_parent on product (parent_id) where parent_id is not null;
create index product_live on product (id desc) where not is_deleted;
create index product_search on product using gin (lower(nombre) extensions.gin_trgm_ops) where not is_deleted;

create table price_list_item (
  price_list_id bigint not null references price_list on delete cascade,
  product_id    bigint not null references product,
  fixed_price   bigint not null check (fixed_price >= 0), -- net
  primary key (price_list_id, product_id)
);

create table payment_method (
  id        bigint generated always as identity primary key,
  code      text not null unique,
  name      text not null,
  is_active boolean not null default true
);

create table shift (
  id                  bigint generated always as identity primary key,
  person_id           bigint not null references person,
  start_time          timestamptz not null,
  end_time            timestamptz,
  start_amount        bigint not null check (start_amount >= 0),
  final_cash_system   bigint not null default 0,
  final_cash_declared bigint check (final_cash_declared >= 0), -- null: nobody counted
  status              text not null default 'OPEN' check (status in ('OPEN', 'CLOSED', 'CLOSED_SYSTEM')),
  check ((status = 'OPEN') = (end_time is null)),
  check (status <> 'CLOSED' or final_cash_declared is not null)
);
create unique index shift_one_open on shift (person_id) where status = 'OPEN';
create index shift_start on shift (start_time desc);

-- The folios. A range of the SII's is one row; two never overlap, the database says so.
create table caf (
  id         bigint generated always as identity primary key,
  tipo       integer not null,
  desde      bigint not null check (desde > 0),
  hasta      bigint not null,
  fa         date not null,
  vence      date, -- null: does not expire
  idk        integer not null,
  next       bigint not null, -- the first folio that was never put into use
  sealed     bytea not null,
  sha256     bytea not null unique,
  created_at timestamptz not null,
  check (hasta >= desde),
  check (next between desde and hasta + 1),
  constraint caf_no_overlap exclude using gist (tipo with =, int8range(desde, hasta, '[]') with &&)
);

-- Folios put into use: taken by deleting the row in the sale's own transaction, so a sale that fails gives its number back.
create table folio_ready (
  tipo   integer not null,
  folio  bigint not null,
  caf_id bigint not null references caf,
  primary key (tipo, folio)
);

-- Numbers that will never be documents, to be annulled at the SII.
create table folio_annulled (
  id         bigint generated always as identity primary key,
  tipo       integer not null,
  desde      bigint not null,
  hasta      bigint not null,
  reason     text not null check (reason <> ''),
  person_id  bigint references person,
  created_at timestamptz not null,
  told_sii   timestamptz, -- when somebody said that they had annulled them there; null: it must still be done
  check (hasta >= desde),
  exclude using gist (tipo with =, int8range(desde, hasta, '[]') with &&)
);

-- The tills of the company. What opens the server to one is kept as its SHA-256 and nothing else.
create table till (
  id         bigint generated always as identity primary key,
  name       text not null unique check (name <> ''),
  state      text not null default 'INVITED' check (state in ('INVITED', 'PAIRED', 'REVOKED', 'LOST')),
  code       bytea,       -- of the invitation, until it is used up or over
  code_until timestamptz,
  token      bytea,
  epoch      integer not null default 0 check (epoch >= 0), -- how often its store was restored, as far as it has said
  created_at timestamptz not null,
  paired_at  timestamptz,
  ended_at   timestamptz,
  seen_at    timestamptz,
  check ((paired_at is null) = (token is null)),
  check (state <> 'PAIRED' or token is not null),
  check ((state in ('REVOKED', 'LOST')) = (ended_at is not null))
);

-- Parts of ranges that one till alone issues from. What of them was given back is of nobody again; two never overlap, the
-- database says so. used is the last folio that the till has told to have used.
create table lease (
  id       bigint generated always as identity primary key,
  till_id  bigint not null references till,
  epoch    integer not null, -- of the store that it was given to
  tipo     integer not null,
  caf_id   bigint not null references caf,
  desde    bigint not null,
  hasta    bigint not null,
  used     bigint not null,
  -- DOUBT: a restored store cannot know how far the lost one went. What is left of it is never given to anybody.
  state    text not null default 'OPEN' check (state in ('OPEN', 'SPENT', 'RETURNED', 'EXPIRED', 'LOST', 'DOUBT')),
  given_at timestamptz not null,
  ended_at timestamptz,
  check (used between desde - 1 and hasta),
  check (state not in ('SPENT', 'RETURNED') or used = hasta),
  check ((state = 'OPEN') = (ended_at is null)),
  exclude using gist (tipo with =, int8range(desde, hasta + 1) with &&)
);
create index lease_open on lease (till_id, tipo) where state = 'OPEN';

-- What tills gave back unused, below the range's next.
create table folio_free (
  id     bigint generated always as identity primary key,
  tipo   integer not null,
  caf_id bigint not null references caf,
  desde  bigint not null,
  hasta  bigint not null check (hasta >= desde),
  exclude using gist (tipo with =, int8range(desde, hasta + 1) with &&)
);

-- How many folios of a type a till told of on a day: its pace.
create table folio_pace (
  till_id bigint not null references till,
  tipo    integer not null,
  day     date not null,
  used    bigint not null check (used > 0),
  primary key (till_id, tipo, day)
);

create table folio_request (
  id         bigint generated always as identity primary key,
  tipo       integer not null,
  amount     integer not null check (amount > 0),
  received   integer not null default 0 check (received between 0 and amount), -- of them, in the ranges that came since
  status     text not null default 'PENDING' check (status in ('PENDING', 'COMPLETED', 'ERROR')),
  reason     text not null default '',
  caf_id     bigint references caf, -- the last of those ranges
  person_id  bigint references person,
  created_at timestamptz not null,
  ended_at   timestamptz,
  check ((status = 'COMPLETED') = (received = amount)),
  check ((received > 0) = (caf_id is not null)),
  check (status <> 'ERROR' or reason <> '')
);
create index folio_request_pending on folio_request (tipo) where status = 'PENDING';

create table certificate (
  id         bigint generated always as identity primary key,
  rut        integer not null,
  subject    text not null,
  not_after  timestamptz not null,
  sealed     bytea not null, -- key and certificate; never returned
  created_at timestamptz not null
);

create table sale (
  id             bigint generated always as identity primary key,
  tipo           integer not null,
  folio          bigint not null,
  customer_id    bigint not null references customer,
  person_id      bigint not null references person,
  shift_id       bigint references shift,
  related_id     bigint references sale,
  invoiced_by    bigint references sale, -- of a guía
  fecha_emision  date not null,
  -- signo: 1 adds to the sales, -1 takes away, 0 moves no money (a guía, a correction of text)
  signo          smallint not null check (signo in (-1, 0, 1)),
  monto_exento   bigint not null check (monto_exento >= 0),
  monto_neto     bigint not null check (monto_neto >= 0),
  iva            bigint not null check (iva >= 0),
  monto_total    bigint not null check (monto_total >= 0),
  descuento      bigint not null default 0 check (descuento >= 0),
  costo          bigint not null default 0, -- millionths of a peso, as it was that day
  descripcion    text not null default '',
  due_date       date,
  ind_traslado   smallint check (ind_traslado between 1 and 9),
  cod_ref        smallint check (cod_ref between 1 and 3),
  audit_metadata jsonb not null default '{}',
  created_at     timestamptz not null,
  unique (tipo, folio)
);
create index sale_newest on sale (created_at desc, id desc);
create index sale_customer on sale (customer_id, created_at desc, id desc);
create index sale_customer_tipo on sale (customer_id, tipo, created_at desc, id desc);
create index sale_tipo on sale (tipo, created_at desc, id desc);
create index sale_folio on sale (folio);
create index sale_words on sale using gin (lower(descripcion) extensions.gin_trgm_ops) where descripcion <> '';
create index sale_invoiced on sale (invoiced_by) where invoiced_by is not null;
create index sale_guia_pending on sale (customer_id, created_at) where tipo = 52 and invoiced_by is null;
create index sale_related on sale (related_id) where related_id is not null;
create index sale_shift on sale (shift_id) where shift_id is not null;

create table sale_line (
  sale_id         bigint not null references sale,
  line            integer not null check (line > 0),
  product_id      bigint not null references product,
  of_line         integer, -- of the related sale, in a note
  nombre          text not null,
  cantidad        bigint not null check (cantidad >= 0),
  precio_unitario bigint not null check (precio_unitario >= 0), -- net
  descuento       bigint not null default 0 check (descuento >= 0),
  subtotal        bigint not null, -- net
  monto           bigint not null, -- as the document states it
  exento          boolean not null default false,
  costo_unitario  bigint not null default 0, -- millionths, frozen
  restock         boolean not null default false,
  primary key (sale_id, line)
);
create index sale_line_product on sale_line (product_id);

create table sale_reference (
  sale_id         bigint not null references sale,
  version         integer not null default 0, -- of the document
  line            integer not null,
  tipo_documento  text not null,
  folio           text not null,
  fecha           date not null,
  sii_reason_code smallint,
  razon           text not null default '',
  primary key (sale_id, version, line)
);

create table payment (
  id               bigint generated always as identity primary key,
  sale_id          bigint references sale, -- null: a payment of the account
  customer_id      bigint references customer,
  method_id        bigint not null references payment_method,
  shift_id         bigint references shift,
  -- kept is what stays: tendered less change, negative in a refund. It adds up to the total plus the rounding.
  tendered         bigint not null,
  change           bigint not null default 0 check (change >= 0),
  rounding         bigint not null default 0,
  kept             bigint not null,
  owed             bigint not null default 0, -- what it adds to the customer's account; the balance is the sum
  transaction_code text not null default '',
  created_at       timestamptz not null,
  check (kept = tendered - change)
);
create index payment_sale on payment (sale_id) where sale_id is not null;
create index payment_shift on payment (shift_id) where shift_id is not null;
create index payment_customer on payment (customer_id, created_at desc) where customer_id is not null;
create index payment_account on payment (customer_id, id) where owed <> 0;

create table cash_movement (
  id         bigint generated always as identity primary key,
  shift_id   bigint not null references shift,
  person_id  bigint not null references person,
  amount     bigint not null check (amount <> 0), -- in, or out if negative
  reason     text not null check (reason <> ''),
  created_at timestamptz not null
);
create index cash_movement_shift on cash_movement (shift_id);

-- The legal document: the bytes as signed, for ever. Version 0 is what was sold with; one that the SII refused may be followed
-- by others.
create table document (
  sale_id    bigint not null references sale,
  version    integer not null default 0 check (version >= 0),
  tipo       integer not null,
  folio      bigint not null,
  xml        bytea not null,
  sha256     bytea not null,
  ted        bytea not null,
  issued_at  timestamptz not null,
  primary key (sale_id, version),
  unique (tipo, folio, version)
);
-- LZ4 takes a fraction of the time of PostgreSQL's own compression. Not every PostgreSQL has it.
-- +goose StatementBegin
do $$ begin
  alter table document alter xml set compression lz4;
exception when feature_not_supported then null;
end $$;
-- +goose StatementEnd

-- Where it stands at the SII. The life is dte's: issued, enveloped, sending, unknown, sent, accepted, objected, rejected.
create table document_state (
  sale_id    bigint primary key references sale,
  version    integer not null default 0, -- of the document that it is about
  tipo       integer not null,
  folio      bigint not null,
  boleta     boolean not null,
  state      text not null,
  envelope   text not null default '',
  veredicto  jsonb,
  issued_at  timestamptz not null,
  updated_at timestamptz not null
);
create unique index document_state_key on document_state (tipo, folio);
create index document_state_waiting on document_state (boleta, issued_at) where state = 'issued';
create index document_state_open on document_state (issued_at) where state not in ('accepted', 'objected', 'rejected');
create index document_state_rejected on document_state (sale_id) where state = 'rejected';
create index document_state_newest on document_state (issued_at desc, sale_id desc);
create index document_state_objected on document_state (sale_id) where state = 'objected';
create index document_state_envelope on document_state (envelope) where envelope <> '';

-- What people did about documents that the SII refused. Rows are added, never changed.
create table remedy (
  id         bigint generated always as identity primary key,
  sale_id    bigint not null references sale,
  act        text not null check (act in ('reenviar', 'corregir', 'otro-folio')),
  -- What was refused, by whom it was sent, and why.
  version    integer not null,
  tipo       integer not null,
  folio      bigint not null,
  envelope   text not null,
  veredicto  jsonb not null,
  person_id  bigint not null references person,
  why        text not null check (why <> ''),
  at         timestamptz not null,
  foreign key (sale_id, version) references document (sale_id, version)
);
create index remedy_sale on remedy (sale_id);
create index remedy_document on remedy (tipo, folio);

create table envelope (
  id         text primary key,
  seq        bigint not null unique, -- the number of its name, without gaps
  sobre      jsonb not null,
  open       boolean not null,
  xml        bytea not null,
  created_at timestamptz not null
);
create index envelope_open on envelope (seq) where open;

-- How the documents get to the SII: one job at a time, whatever the number of servers.
create table drain (
  single       boolean primary key default true check (single),
  -- True while a job is on its way that has not yet looked, so that sales need not make another.
  due          boolean not null default false,
  -- Counts the turns. A job that was put off for a turn that is over has nothing to do.
  turn         bigint not null default 0,
  -- Who is at work, and until when nobody else may begin. Whoever is not the holder can write nothing.
  holder       uuid,
  held_until   timestamptz,
  -- The holder's server: its session holds the advisory lock of that number for as long as it lives. Null: only time tells.
  server       bigint,
  -- What the last turn found.
  looked_at    timestamptz,
  down_since   timestamptz,
  problem      text not null default '',
  problem_at   timestamptz
);

create table provider (
  id           bigint generated always as identity primary key,
  rut          integer not null unique,
  razon_social text not null,
  giro         text not null default '',
  direccion    text not null default '',
  ciudad       text not null default '',
  email        text not null default '',
  telefono     text not null default '',
  is_active    boolean not null default true,
  created_at   timestamptz not null,
  updated_at   timestamptz not null
);

create table purchase (
  id             bigint generated always as identity primary key,
  provider_id    bigint not null references provider,
  tipo_documento text not null check (tipo_documento in ('FACTURA', 'BOLETA', 'SIN_DOCUMENTO')),
  folio          text not null default '',
  fecha_compra   date not null,
  monto_neto     bigint not null,
  iva            bigint not null,
  monto_total    bigint not null,
  observacion    text not null default '',
  created_at     timestamptz not null
);
create index purchase_provider on purchase (provider_id);

create table purchase_line (
  id              bigint generated always as identity primary key,
  purchase_id     bigint not null references purchase on delete cascade,
  product_id      bigint not null references product,
  cantidad        bigint not null check (cantidad > 0),
  precio_costo    bigint not null check (precio_costo >= 0), -- millionths of a peso
  subtotal        bigint not null
);
create index purchase_line_purchase on purchase_line (purchase_id);
create index purchase_line_product on purchase_line (product_id);

-- The stock card. Rows are added, never changed.
create table stock_movement (
  id            bigint generated always as identity primary key,
  product_id    bigint not null references product,
  at            timestamptz not null,
  tipo          text not null check (tipo in ('ENTRADA', 'SALIDA')),
  motivo        text not null check (motivo in ('INICIAL', 'VENTA', 'DEVOLUCION', 'COMPRA', 'AJUSTE')),
  cantidad      bigint not null check (cantidad > 0),
  balance_after bigint not null,
  sale_id       bigint references sale,
  purchase_id   bigint, -- the purchase may be deleted; its movements stay
  person_id     bigint references person,
  descripcion   text not null default ''
);
create index stock_movement_product on stock_movement (product_id, id desc);

-- A key given with a sale or a payment of an account, what was asked under it, and what came of it.
create table idempotency (
  key        text primary key check (length(key) between 1 and 256),
  sha256     bytea not null,
  sale_id    bigint references sale,
  payment_id bigint references payment,
  created_at timestamptz not null,
  check (sale_id is null or payment_id is null)
);

-- Days that are over, added up, what notes of credit take away as negative; the open ones are read from the sales.
create table day_total (
  day        date not null,
  tipo       integer not null,
  signo      smallint not null,
  hour       smallint not null,
  n          bigint not null,
  neto       bigint not null,
  exento     bigint not null,
  iva        bigint not null,
  total      bigint not null,
  costo      bigint not null,
  primary key (day, tipo, signo, hour)
);
create table day_product (
  day        date not null,
  product_id bigint not null,
  cantidad   bigint not null,
  neto       bigint not null,
  total      bigint not null,
  costo      bigint not null,
  primary key (day, product_id)
);
create table day_closed (
  day date primary key
);

-- Who sells holds the day until it commits, and who adds the day up waits for that. What comes into a closed day after all
-- opens it again.
-- +goose StatementBegin
create function sale_day() returns trigger language plpgsql set search_path from current as $$
declare its_day date := (new.created_at at time zone 'America/Santiago')::date;
begin
  perform pg_advisory_xact_lock_shared(hashtext(tg_table_schema), its_day - date '2000-01-01');
  delete from day_closed where day = its_day;
  if found then
    delete from day_total where day = its_day;
    delete from day_product where day = its_day;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger sale_day before insert on sale for each row execute function sale_day();

insert into counter default values;
insert into drain default values;

-- +goose StatementBegin
do $$
declare company text := current_setting('mostrador.role');
begin
  execute format('grant select, insert, update, delete on all tables in schema %I to %I', current_schema(), company);
  execute format('grant usage on all sequences in schema %I to %I', current_schema(), company);
  -- What was issued, moved and paid is history.
  execute format('revoke update, delete on document, stock_movement, sale_line, sale_reference, payment, cash_movement, remedy from %I', company);
  execute format('revoke delete on sale, caf, shift, document_state, envelope, person, role, folio_annulled, till, lease from %I', company);
end $$;
-- +goose StatementEnd

-- +goose Down
drop table day_closed, day_product, day_total, idempotency, stock_movement, purchase_line, purchase, provider, drain, envelope,
  remedy, document_state, document, cash_movement, payment, sale_reference, sale_line, sale, certificate, folio_request, folio_pace, folio_free, lease, till, folio_annulled,
  folio_ready, caf, shift, payment_method, price_list_item, product, counter, brand, customer, price_list, person, role, settings,
  tax, issuer;
drop function sale_day;
