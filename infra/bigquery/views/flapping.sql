-- What drifts again and again? Resources with three drifts or more in the last ${days} days: another controller
-- disagrees with the declaration.
-- Reads what events reads.
SELECT
  finding_id,
  MAX(resource_name) AS resource_name,
  MAX(content) AS content,
  MAX(project) AS project,
  MAX(team) AS team,
  COUNT(DISTINCT episode) AS drifts,
  COUNTIF(type = 'drift.resolved') AS ends,
  COUNTIF(type = 'remediation.succeeded') AS put_back,
  STRING_AGG(DISTINCT actor, ', ' ORDER BY actor) AS actors,
  MIN(first_seen) AS earliest,
  MAX(first_seen) AS latest
FROM `${project}.${dataset}.events`
GROUP BY finding_id
HAVING COUNT(DISTINCT episode) >= 3
ORDER BY drifts DESC, finding_id
