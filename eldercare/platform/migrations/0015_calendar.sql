-- depends: 0014_references
-- transactional: false
-- What lies at the ends of the calendar can be stored and not be read: a list with one such row could not be shown.

update resident set birth_date = null where birth_date not between '1850-01-01' and '2200-12-31';
update resident set left_at = '2200-01-01' where left_at not between '1900-01-01' and '2201-01-01';
update resident set away_until = '2200-01-01' where away_until not between '1900-01-01' and '2201-01-01';
alter table resident
    drop constraint if exists resident_within_the_calendar,
    add constraint resident_within_the_calendar check (
        birth_date between '1850-01-01' and '2200-12-31'
        and coalesce(left_at between '1900-01-01' and '2201-01-02', true)
        and coalesce(away_until between '1899-12-31' and '2201-01-02', true)) not valid;
alter table clock
    drop constraint if exists clock_within_the_calendar,
    add constraint clock_within_the_calendar check (origin between '1899-12-31' and '2201-01-02' and speed <= 1000000) not valid;
