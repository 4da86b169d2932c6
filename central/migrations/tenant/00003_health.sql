-- How tills stand, and leases of which a person said how far they were used.

-- +goose Up

-- What a till said last of itself. Nothing here is needed to sell: it is what people look at.
create table till_health (
  till_id   bigint primary key references till,
  at        timestamptz not null, -- by the server's clock
  version   text not null,
  protocol  integer not null,
  skew_ms   bigint not null, -- how far the till's clock is ahead
  head_n    bigint not null, -- its newest entry
  hold      text not null,   -- why it may not issue; empty if it may
  waiting   integer not null,
  oldest    timestamptz,
  unsent    bigint not null,
  papers    integer not null,
  printer   text not null,
  sii       text not null,
  stopped   text not null,   -- why it says that it does not issue
  folios    jsonb not null,
  cursor    text not null    -- up to where it took news in
) with (fillfactor = 50); -- each poll writes it anew: there is room on the same page

-- SETTLED: a person said how far a lease in doubt was used; what lies beyond is annulled.
alter table lease drop constraint lease_state_check,
  add constraint lease_state_check check (state in ('OPEN', 'SPENT', 'RETURNED', 'EXPIRED', 'LOST', 'DOUBT', 'SETTLED'));

-- The till whose document the server took over, when it died.
alter table document_state add taken_from bigint references till;
create index document_state_of_till on document_state (till_id, issued_at) where till_id is not null and state not in ('accepted', 'objected', 'rejected');

-- +goose StatementBegin
do $$
declare company text := current_setting('mostrador.role');
begin
  execute format('grant select, insert, update on till_health to %I', company);
end $$;
-- +goose StatementEnd

-- +goose Down
drop index document_state_of_till;
alter table document_state drop taken_from;
alter table lease drop constraint lease_state_check,
  add constraint lease_state_check check (state in ('OPEN', 'SPENT', 'RETURNED', 'EXPIRED', 'LOST', 'DOUBT'));
drop table till_health;
