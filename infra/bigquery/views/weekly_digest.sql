-- How was the week? The latest digest, of the fleet and of each team, and how it compares with the week before.
-- Reads 22 days of digests.
WITH
  kept AS (
    SELECT *
    FROM `${project}.${dataset}.digests`
    WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL 21 DAY) AND day <= CURRENT_DATE()
  ),
  latest AS (
    SELECT * FROM kept WHERE TRUE QUALIFY day = MAX(day) OVER ()
  )
SELECT
  latest.day,
  latest.grouped_by,
  latest.name,
  latest.began,
  latest.began - before.began AS began_more,
  latest.ended,
  latest.put_back,
  latest.open,
  latest.open - before.open AS open_more,
  latest.critical,
  latest.quiet,
  latest.oldest,
  latest.actor,
  latest.text
FROM latest
LEFT JOIN kept AS before
  ON before.day = DATE_SUB(latest.day, INTERVAL 7 DAY)
  AND before.grouped_by = latest.grouped_by
  AND before.name = latest.name
ORDER BY latest.grouped_by, latest.open DESC, latest.name
