-- How long does detection take? From the change that the inventory saw to the first publishing of drift.opened, a grace
-- period included; of the fleet, and by team, project and asset type.
-- Reads what events reads, and as many days of drift_messages.
WITH
  published AS (
    SELECT JSON_VALUE(data, '$.id') AS id, MIN(publish_time) AS published_at
    FROM `${project}.${dataset}.drift_messages`
    WHERE publish_time >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY, 'UTC'), INTERVAL ${days} DAY)
      AND publish_time < TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)
    GROUP BY id
  ),
  detected AS (
    SELECT
      opened.team, opened.project, opened.asset_type,
      TIMESTAMP_DIFF(published.published_at, opened.first_seen, MILLISECOND) / 1000 AS seconds
    FROM `${project}.${dataset}.events` AS opened
    JOIN published ON published.id = opened.id
    WHERE opened.type = 'drift.opened'
  )
SELECT
  part.grouped_by AS grouped_by,
  part.name AS name,
  COUNT(*) AS findings,
  ROUND(AVG(seconds), 1) AS mean_seconds,
  ROUND(APPROX_QUANTILES(seconds, 100)[OFFSET(50)], 1) AS median_seconds,
  ROUND(APPROX_QUANTILES(seconds, 100)[OFFSET(95)], 1) AS p95_seconds
FROM detected
CROSS JOIN UNNEST([
  STRUCT('fleet' AS grouped_by, '' AS name),
  STRUCT('team' AS grouped_by, team AS name),
  STRUCT('project' AS grouped_by, project AS name),
  STRUCT('asset_type' AS grouped_by, asset_type AS name)
]) AS part
GROUP BY part.grouped_by, part.name
ORDER BY grouped_by, findings DESC, name
