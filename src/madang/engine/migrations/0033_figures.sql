-- Figures with noise instead of rows: by what, of whom, how much of the budget. NULL: the rows themselves.
ALTER TABLE dataset_publication ADD COLUMN figures json;
