-- What drifts now? Every open finding, by the latest snapshot and the events since.
-- Reads eight days of findings_snapshot and what events reads. The greater sequence number is the later state; an event
-- of an observation older than ${days} days shows with the next snapshot.
WITH
  snapshot AS (
    SELECT
      finding_id, resource_name, asset_type, content, project,
      IF(team = '', '(no team)', team) AS team,
      kind, status, severity, mode, difference_count,
      (SELECT STRING_AGG(path, ', ' ORDER BY path) FROM UNNEST(paths) AS path) AS paths,
      first_seen, last_seen, episodes AS episode, actor.principal AS actor, sequence, 0 AS rank,
      IFNULL(origin, 'unknown') AS origin, began_at, IFNULL(began_at_least, FALSE) AS began_at_least
    FROM `${project}.${dataset}.findings_snapshot`
    WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
    QUALIFY day = MAX(day) OVER ()
  ),
  published AS (
    SELECT
      finding_id, resource_name, asset_type, content, project, team,
      kind, status, severity, mode, difference_count, paths,
      first_seen, last_seen, episode, actor, sequence, 1 AS rank,
      origin, began_at, began_at_least
    FROM `${project}.${dataset}.events`
  ),
  latest AS (
    SELECT *
    FROM (SELECT * FROM snapshot UNION ALL SELECT * FROM published)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY finding_id ORDER BY sequence DESC, rank) = 1
  )
SELECT
  finding_id, resource_name, asset_type, content, project, team,
  kind, severity, mode, difference_count, paths, first_seen, last_seen, episode, actor,
  ROUND(TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), first_seen, MINUTE) / 60, 1) AS hours_open,
  origin, began_at, began_at_least
FROM latest
WHERE status = 'open'
ORDER BY
  CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
  first_seen,
  finding_id
