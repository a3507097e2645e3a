-- depends: 0017_away
-- transactional: false
-- Which provider a message was given to, and each attempt: the end of a call goes to whoever started it. Null in the
-- rows of the version before, which knew one provider, and in those that no provider carries (words to a band).

alter table notification add column if not exists provider text;
alter table attempt      add column if not exists provider text;
