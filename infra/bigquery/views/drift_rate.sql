-- Who drifts most for their size? Open findings per 1,000 declared resources and policies, as of the latest snapshot;
-- of the fleet, and by team, project and asset type. Undeclared resources are not counted.
-- Reads eight days of coverage_snapshot and of findings_snapshot.
WITH
  counted AS (
    SELECT day, team, project, asset_type, declared, 0 AS drifted
    FROM `${project}.${dataset}.coverage_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
    UNION ALL
    SELECT day, team, project, asset_type, 0 AS declared, 1 AS drifted
    FROM `${project}.${dataset}.findings_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
      AND status = 'open' AND kind != 'unmanaged'
  ),
  latest AS (
    SELECT IF(team = '', '(no team)', team) AS team, project, asset_type, declared, drifted
    FROM counted
    WHERE TRUE
    QUALIFY day = MAX(IF(declared > 0, day, NULL)) OVER ()
  )
SELECT
  part.grouped_by AS grouped_by,
  part.name AS name,
  SUM(declared) AS declared,
  SUM(drifted) AS drifted,
  ROUND(1000 * SUM(drifted) / NULLIF(SUM(declared), 0), 1) AS per_1000
FROM latest
CROSS JOIN UNNEST([
  STRUCT('fleet' AS grouped_by, '' AS name),
  STRUCT('team' AS grouped_by, team AS name),
  STRUCT('project' AS grouped_by, project AS name),
  STRUCT('asset_type' AS grouped_by, asset_type AS name)
]) AS part
GROUP BY part.grouped_by, part.name
ORDER BY grouped_by, per_1000 DESC, name
