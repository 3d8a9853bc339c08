-- Which exemptions end soon? Those in force, as of the latest snapshot, that end within 14 days: what still drifts then
-- is an open finding again.
-- Reads eight days of findings_snapshot.
WITH
  latest AS (
    SELECT *
    FROM `${project}.${dataset}.findings_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
    QUALIFY day = MAX(day) OVER ()
  )
SELECT
  exempted_until,
  resource_name,
  content,
  project,
  IF(team = '', '(no team)', team) AS team,
  severity,
  status,
  exempted_by,
  exempted_because,
  ROUND(TIMESTAMP_DIFF(exempted_until, CURRENT_TIMESTAMP(), MINUTE) / 60 / 24, 1) AS days_left
FROM latest
WHERE exempted_until > CURRENT_TIMESTAMP()
  AND exempted_until < TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 14 DAY)
ORDER BY exempted_until, resource_name
