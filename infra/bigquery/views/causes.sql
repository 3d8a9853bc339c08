-- Who and what causes drift? Each drift once, by the actor of its latest event, with tool and method.
-- Reads what events reads.
WITH
  drifts AS (
    SELECT
      finding_id, first_seen, project,
      IFNULL(actor, '(unknown)') AS who,
      IFNULL(hand, '(unknown)') AS whose_hand,
      IF(IFNULL(caller, '') = '', '(unknown)', caller) AS with_what,
      IFNULL(method, '(unknown)') AS by_method
    FROM `${project}.${dataset}.events`
    WHERE STARTS_WITH(type, 'drift.')
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY finding_id, episode ORDER BY IF(actor IS NULL, 1, 0), sequence DESC
    ) = 1
  )
SELECT
  who AS actor,
  whose_hand AS hand,
  with_what AS caller,
  by_method AS method,
  COUNT(*) AS drifts,
  COUNT(DISTINCT finding_id) AS findings,
  COUNT(DISTINCT project) AS projects,
  ROUND(100 * COUNT(*) / SUM(COUNT(*)) OVER (), 1) AS percent,
  MAX(first_seen) AS latest
FROM drifts
GROUP BY who, whose_hand, with_what, by_method
ORDER BY drifts DESC, actor, hand, caller, method
