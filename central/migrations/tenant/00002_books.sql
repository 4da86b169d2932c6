-- What tills send of their books: a copy of each one's audit chain, and what it feeds the tables of 00001 with.

-- +goose Up

-- How far the server has the till's chain: its newest entry, and under which epoch it was sent.
alter table till
  add chain_epoch integer not null default 0 check (chain_epoch >= 0),
  add chain_n     bigint not null default 0 check (chain_n >= 0),
  add chain_hash  bytea,
  add check ((chain_n = 0) = (chain_hash is null));

-- Entries are only added. After a restored store the lost one's later entries stay: two entries may have one number, never one
-- number and one hash. A hash names all that went before it.
create table till_entry (
  till_id bigint not null references till,
  n       bigint not null check (n > 0),
  hash    bytea not null check (length(hash) = 32),
  epoch   integer not null,
  kind    text not null,
  at      timestamptz not null,
  fact    bytea not null,
  primary key (till_id, n, hash)
);
-- Whose chain begins as another one's was that till before.
create index till_entry_first on till_entry (hash) where n = 1;

-- What a till sent and the books could not take, as it came, with the reason. The kind is its alarm's: sound documents that
-- contradict another (conflicto) or come from a store that may not speak (copia, bifurcación); documents that are not what they
-- say, or of nobody's folio (documento); and what makes no sense (libros).
create table stray (
  id      bigint generated always as identity primary key,
  till_id bigint not null references till,
  epoch   integer not null,
  n       bigint not null,
  hash    bytea not null,
  kind    text not null,
  tipo    integer, -- of the document, if there is one
  folio   bigint,
  sha256  bytea,
  sent    bytea not null,
  why     text not null check (why <> ''),
  at      timestamptz not null,
  unique (till_id, n, hash)
);
create index stray_document on stray (tipo, folio) where tipo is not null;

-- What people must look at. The same thing is told once.
create table alarm (
  id          bigint generated always as identity primary key,
  till_id     bigint references till,
  kind        text not null check (kind <> ''),
  key         text not null, -- what it is about, for programs
  text        text not null check (text <> ''),
  at          timestamptz not null,
  attended_at timestamptz,
  attended_by bigint references person,
  check ((attended_at is null) = (attended_by is null)),
  unique nulls not distinct (till_id, kind, key)
);
create index alarm_open on alarm (at desc, id desc) where attended_at is null;

-- What a till says otherwise of a product, a customer or a limit that the server has: nothing is overwritten, a person decides.
create table proposal (
  till_id     bigint not null references till,
  kind        text not null check (kind in ('producto', 'cliente', 'cupo')),
  key         text not null,
  said        jsonb not null,
  at          timestamptz not null,
  attended_at timestamptz,
  attended_by bigint references person,
  primary key (till_id, kind, key)
);

-- The ranges that a till had of its own before it joined. They stand among the others so that the database keeps anybody else
-- from them; the key is in the till, and none of their folios is ready or given here.
alter table caf
  add till_id bigint references till,
  alter sealed drop not null,
  alter sha256 drop not null,
  add check ((till_id is null) = (sealed is not null)),
  add check ((till_id is null) = (sha256 is not null)),
  add check (till_id is null or next = hasta + 1);

-- Whatever a till made is marked with it.
alter table person add till_id bigint references till;
alter table product add till_id bigint references till;
alter table customer
  add till_id bigint references till,
  -- The limit as a till last set it, and when: while it stands, tills may change it.
  add till_limit bigint,
  add till_limit_at timestamptz;
create index person_name on person (name);

-- How many units of the product each one of the line holds, where a line counts packs.
alter table sale_line add contenido bigint not null default 1000000 check (contenido > 0);
-- A drawer may be opened with no shift.
alter table cash_movement alter shift_id drop not null;

-- What was sold is gone, whatever the books said of the shelf: the rest is for the count to mend.
alter table product drop constraint product_check1;

alter table sale
  add till_id    bigint references till,
  add till_epoch integer,
  add ref        text, -- the till's own name of the sale
  add check ((till_id is null) = (till_epoch is null) and (till_id is null) = (ref is null)),
  drop constraint sale_tipo_folio_key;
-- What has no document has the till's own number: a card's voucher (48), slips (900 and above).
create unique index sale_document on sale (tipo, folio) where tipo <> 48 and tipo < 900;
create unique index sale_slip on sale (till_id, till_epoch, tipo, folio) where tipo = 48 or tipo >= 900;

alter table shift
  add till_id bigint references till,
  add number  integer,
  add z       jsonb, -- as the till sent it last
  add check ((till_id is null) = (number is null));
drop index shift_one_open;
create unique index shift_one_open on shift (person_id) where status = 'OPEN' and till_id is null;
create unique index shift_of_till on shift (till_id, number, start_time) where till_id is not null;

-- The documents of a till are the till's to send. Null: the server's own, or taken over from a till that died.
alter table document_state
  add till_id  bigint references till,
  add sobre    text not null default '', -- the till's name of the envelope
  add track_id text not null default '';
drop index document_state_waiting, document_state_open;
create index document_state_waiting on document_state (boleta, issued_at) where state = 'issued' and till_id is null;
create index document_state_open on document_state (issued_at) where till_id is null and state not in ('accepted', 'objected', 'rejected');

-- +goose StatementBegin
do $$
declare company text := current_setting('mostrador.role');
begin
  execute format('grant select, insert, update, delete on till_entry, stray, alarm, proposal to %I', company);
  execute format('grant usage on all sequences in schema %I to %I', current_schema(), company);
  execute format('revoke update, delete on till_entry, stray from %I', company);
  execute format('revoke delete on alarm from %I', company);
end $$;
-- +goose StatementEnd

-- +goose Down
drop index document_state_waiting, document_state_open;
create index document_state_waiting on document_state (boleta, issued_at) where state = 'issued';
create index document_state_open on document_state (issued_at) where state not in ('accepted', 'objected', 'rejected');
alter table document_state drop till_id, drop sobre, drop track_id;
drop index shift_one_open, shift_of_till;
alter table shift drop till_id, drop number, drop z;
create unique index shift_one_open on shift (person_id) where status = 'OPEN';
drop index sale_document, sale_slip;
alter table sale drop till_id, drop till_epoch, drop ref, add unique (tipo, folio);
alter table sale_line drop contenido;
delete from cash_movement where shift_id is null;
alter table cash_movement alter shift_id set not null;
alter table product add constraint product_check1 check (stock_actual >= 0 or not controla_stock), drop till_id;
drop index person_name;
alter table person drop till_id;
alter table customer drop till_id, drop till_limit, drop till_limit_at;
delete from caf where till_id is not null;
alter table caf drop till_id, alter sealed set not null, alter sha256 set not null;
drop table proposal, alarm, stray, till_entry;
alter table till drop chain_epoch, drop chain_n, drop chain_hash;
