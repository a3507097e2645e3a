-- depends: 0020_asked
-- transactional: false
-- Limits of a resident's own stand over all others: who signed them, when, and why. `limits_signed` are those that were
-- signed, so that a signature does not pass to what somebody writes later, as the version before does.

alter table resident
    add column if not exists limits_signed    jsonb,                 -- rule_overrides as they were signed
    add column if not exists limits_signed_by bigint,                -- the person
    add column if not exists limits_signed_at timestamptz,
    add column if not exists limits_reason    text;
