-- How was the week? The latest digest, of the fleet and of each team, compared with the week before.
-- Reads 22 days of digests.
WITH
  compared AS (
    SELECT
      *,
      began - FIRST_VALUE(began) OVER week_before AS began_more,
      open - FIRST_VALUE(open) OVER week_before AS open_more
    FROM `${project}.${dataset}.digests`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 21 DAY) AND day <= CURRENT_DATE('UTC')
    QUALIFY day = MAX(day) OVER ()
    WINDOW week_before AS (
      PARTITION BY grouped_by, name ORDER BY UNIX_DATE(day) RANGE BETWEEN 7 PRECEDING AND 7 PRECEDING
    )
  )
SELECT
  day, grouped_by, name, began, began_more, ended, put_back, open, open_more, critical, quiet, oldest, actor, text
FROM compared
ORDER BY grouped_by, open DESC, name
