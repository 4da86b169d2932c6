-- What all companies share: who they are, who may enter, and how far each one's schema has come.
-- Runs with search_path = the shared schema and role = the owner. mostrador.login and mostrador.shared name the roles.

-- +goose Up

create table plan (
  id        bigint generated always as identity primary key,
  name      text not null unique,
  max_users integer not null check (max_users > 0)
);

create table acteco (
  code               text primary key check (code ~ '^[0-9]{6}$'),
  name               text not null,
  taxable            boolean not null,
  category           integer not null check (category in (1, 2)),
  internet_available boolean not null
);

create table company (
  id                 bigint generated always as identity primary key,
  rut                integer not null unique check (rut > 0),
  name               text not null,
  schema_name        text not null unique,
  role_name          text not null unique,
  -- creating: its schema is not ready; nobody enters. The next attempt goes on where the last one stopped.
  state              text not null default 'creating' check (state in ('creating', 'ready')),
  -- The last migration of its schema; a server that knows a later one does not let anybody in.
  schema_version     bigint not null default 0,
  -- The authority it issues for; fixed at creation, never mixed.
  ambiente           text not null check (ambiente in ('capacitacion', 'certificacion', 'produccion')),
  plan_id            bigint references plan,
  max_users_override integer check (max_users_override > 0),
  is_active          boolean not null default true,
  address            text not null default '',
  commune            text not null default '',
  city               text not null default '',
  giro               text not null default '',
  billing_day        integer not null default 1 check (billing_day between 1 and 31),
  actecos            text[] not null default '{}',
  -- Seals the company's secrets; itself sealed under the master key named.
  key_id             text not null,
  sealed_key         bytea not null,
  created_at         timestamptz not null
);

create table account (
  id            bigint generated always as identity primary key,
  email         text not null check (email = lower(email)),
  rut           integer unique,
  full_name     text not null default '',
  password_hash text not null,
  is_active     boolean not null default true,
  is_superuser  boolean not null default false,
  -- Wrong passwords in a row, and until when no other is looked at.
  failures      integer not null default 0,
  locked_until  timestamptz,
  created_at    timestamptz not null,
  updated_at    timestamptz not null
);
create unique index account_email on account (email);

create table membership (
  id         bigint generated always as identity unique,
  company_id bigint not null references company,
  account_id bigint not null references account,
  role_name  text not null,
  is_active  boolean not null default true,
  primary key (company_id, account_id)
);
create index membership_account on membership (account_id);

-- A token names its session; without a live row it opens nothing.
create table session (
  id         uuid primary key,
  account_id bigint not null references account,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz
);
create index session_live on session (account_id) where ended_at is null;

-- What was done to accounts, companies and rights. Rows are added, never changed.
create table security_event (
  id         bigint generated always as identity primary key,
  at         timestamptz not null,
  company_id bigint references company,
  account_id bigint references account,
  kind       text not null,
  detail     jsonb not null default '{}'
);

insert into plan (name, max_users) values ('Inicial', 3);

-- +goose Down
drop table security_event, session, membership, account, company, acteco, plan;
