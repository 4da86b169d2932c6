-- The database in which folios were given last. One that was made from a dump, or went back in time, does not remember all that it
-- gave. Empty: nobody looked yet.

-- +goose Up

alter table news_era add column folios text not null default '';
-- +goose StatementBegin
do $$
begin
  execute format('grant select, update on sequence lease_id_seq to %I', current_setting('mostrador.role'));
end $$;
-- +goose StatementEnd

-- +goose Down

alter table news_era drop column folios;
