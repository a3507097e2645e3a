-- depends: 0009_desk
-- transactional: false
-- Whoever calls back is known by the number that was called: from its messages to their incidents, however many are open.

create index concurrently if not exists notification_address on notification (address, incident_id, id)
    where purpose in ('alarm', 'second', 'pressed_again');
