-- Why is drift not remediated? The reasons of what was blocked or has failed, without the numbers and times in them.
-- Reads what events reads.
WITH
  blocked AS (
    SELECT
      type,
      REGEXP_REPLACE(IFNULL(remediation_reason, ''), r'[0-9]+', '#') AS why,
      IF(IFNULL(rule, '') = '', '(no rule)', rule) AS by_rule,
      IFNULL(executor, 'api') AS by_executor,
      finding_id,
      project,
      time
    FROM `${project}.${dataset}.events`
    WHERE type IN ('remediation.blocked', 'remediation.failed')
  )
SELECT
  type,
  why AS reason,
  by_rule AS rule,
  by_executor AS executor,
  COUNT(*) AS events,
  COUNT(DISTINCT finding_id) AS findings,
  COUNT(DISTINCT project) AS projects,
  MAX(time) AS latest
FROM blocked
GROUP BY type, why, by_rule, by_executor
ORDER BY events DESC, type, reason, rule, executor
