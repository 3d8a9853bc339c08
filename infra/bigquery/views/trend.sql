-- Does it get better? What opened, changed and ended on each of the last ${days} days, and what was open in that day's
-- snapshot; null on days without one.
-- Reads what events reads, and as many days of findings_snapshot.
WITH
  happened AS (
    SELECT
      DATE(time, 'UTC') AS day,
      COUNTIF(type = 'drift.opened') AS opened,
      COUNTIF(type = 'drift.changed') AS changed,
      COUNTIF(type = 'drift.resolved') AS resolved,
      COUNTIF(type = 'drift.exempted') AS exempted,
      COUNTIF(type = 'remediation.succeeded') AS put_back
    FROM `${project}.${dataset}.events`
    GROUP BY day
  ),
  snapshots AS (
    SELECT day, COUNTIF(status = 'open') AS open, COUNTIF(status = 'open' AND severity = 'critical') AS open_critical
    FROM `${project}.${dataset}.findings_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL ${days} DAY) AND day <= CURRENT_DATE('UTC')
    GROUP BY day
  )
SELECT
  day,
  IFNULL(happened.opened, 0) AS opened,
  IFNULL(happened.changed, 0) AS changed,
  IFNULL(happened.resolved, 0) AS resolved,
  IFNULL(happened.exempted, 0) AS exempted,
  IFNULL(happened.put_back, 0) AS put_back,
  snapshots.open,
  snapshots.open_critical
FROM UNNEST(GENERATE_DATE_ARRAY(DATE_SUB(CURRENT_DATE('UTC'), INTERVAL ${days} DAY), CURRENT_DATE('UTC'))) AS day
LEFT JOIN happened USING (day)
LEFT JOIN snapshots USING (day)
ORDER BY day
