-- Do the sweeps see the whole fleet? The latest run of each sweep, with what is unknown, and why.
-- Reads eight days of sweeps_snapshot.
SELECT
  sweep,
  ARRAY_TO_STRING(scopes, ', ') AS scopes,
  ARRAY_TO_STRING(contents, ', ') AS contents,
  started_at,
  ended_at,
  listed,
  declared,
  in_sync,
  drifted,
  unchecked,
  unknown,
  gone,
  ROUND(100 * (in_sync + drifted) / NULLIF(declared, 0), 1) AS percent_known,
  ARRAY_TO_STRING(denied, ', ') AS denied,
  ARRAY_TO_STRING(failed, ', ') AS failed
FROM `${project}.${dataset}.sweeps_snapshot`
WHERE day >= DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 7 DAY) AND day <= CURRENT_DATE('UTC')
QUALIFY day = MAX(day) OVER ()
ORDER BY scopes, contents, sweep
