// The commands for a finding, as a shell takes them.

/** The option that names the store; special characters are quoted. */
function storeOption() {
  const store = /^[\w:/.-]+$/.test(report.store) ? report.store : `'${report.store.replaceAll("'", "'\\''")}'`;
  return `--store ${store}`;
}

/** Label and command of everything that can be done about a finding, the most likely first. */
function commandsOf(row) {
  const id = row.id.slice(0, 12);
  const status = STATUSES[row.status];
  const isModified = texts[row.kind] === "modified";
  const isWritable = isModified && ["approve", "auto"].includes(texts[row.mode]);
  const reason = '--because "REASON"';
  const isOpen = UNRESOLVED.has(status);
  const commands = [
    [status === "awaiting", "Approve its remediation", `approve ${id}`],
    [isOpen && isWritable, "Remediate it now", `remediate ${id}`],
    [isOpen && isModified, "Declare what is observed", `propose ${id}`],
    [true, "Show it", `findings show ${id}`],
    [isOpen, "Accept it until it changes", `accept ${id} ${reason}`],
    [isOpen, "Exempt it for a week", `exempt ${id} --for 7d ${reason}`],
    [["exempted", "accepted", "baseline"].includes(status), "Open it again", `exempt ${id} --end`],
  ];
  return commands.filter(([applies]) => applies).map(([, label, command]) => [label, `setpoint ${command} ${storeOption()}`]);
}
