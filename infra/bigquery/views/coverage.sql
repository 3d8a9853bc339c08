-- How much of what is declared is compared? Declared resources and policies with at least one observation, as of the
-- latest snapshot; of the fleet, and by team, project and asset type.
-- Reads eight days of coverage_snapshot.
WITH
  latest AS (
    SELECT IF(team = '', '(no team)', team) AS team, project, asset_type, declared, checked
    FROM `${project}.${dataset}.coverage_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
    QUALIFY day = MAX(day) OVER ()
  )
SELECT
  part.grouped_by AS grouped_by,
  part.name AS name,
  SUM(declared) AS declared,
  SUM(checked) AS checked,
  SUM(declared) - SUM(checked) AS never_checked,
  ROUND(100 * SUM(checked) / SUM(declared), 1) AS percent_checked
FROM latest
CROSS JOIN UNNEST([
  STRUCT('fleet' AS grouped_by, '' AS name),
  STRUCT('team' AS grouped_by, team AS name),
  STRUCT('project' AS grouped_by, project AS name),
  STRUCT('asset_type' AS grouped_by, asset_type AS name)
]) AS part
GROUP BY part.grouped_by, part.name
ORDER BY grouped_by, never_checked DESC, name
