-- Entities that are known by their past only: told by the temporal interface, or deleted. Changes of the state cost it nothing.
CREATE INDEX history_past ON history (entity_id, types) WHERE op IN ('t', 'd');
