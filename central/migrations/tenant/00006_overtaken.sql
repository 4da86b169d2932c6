-- Which of its reports a till was heard last with: one that it numbered before arrives late, and says less.

-- +goose Up
alter table till_health add run text not null default '', add seq bigint not null default 0;

-- +goose Down
alter table till_health drop run, drop seq;
