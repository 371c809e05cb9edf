-- The same column as in Postgres; its reason stands there. It ends before the first `/`, `?` or `#` behind `://`.

alter table callbacks add column origin text generated always as (
    iif(instr(target, '://') = 0, target, lower(substr(target, 1, instr(target, '://') + 1 + min(
        instr(substr(target, instr(target, '://') + 3) || '/', '/'),
        instr(substr(target, instr(target, '://') + 3) || '?', '?'),
        instr(substr(target, instr(target, '://') + 3) || '#', '#')
    ))))
) virtual;

create index callbacks_by_origin on callbacks (origin, due_at) where state = 'pending';

drop index callbacks_by_due;
