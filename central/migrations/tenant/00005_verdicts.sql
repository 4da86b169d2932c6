-- What the SII said of documents that the server took over: news for the till that made them, should it come back.

-- +goose Up

alter table document_state add news xid8 not null default '0';
create index document_state_news on document_state (news, sale_id) where taken_from is not null and state in ('accepted', 'objected', 'rejected');
create trigger document_state_news before update on document_state for each row
  when (new.taken_from is not null and new.state is distinct from old.state) execute function news_now();

-- +goose Down
drop trigger document_state_news on document_state;
alter table document_state drop column news;
