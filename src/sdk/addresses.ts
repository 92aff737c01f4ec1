/**
 * An address of the orchestrator as this node reaches it: a host of `*` stands for the host that the node dialled.
 *
 * @example asDialled('tcp://*:7401', 'tcp://10.0.0.2:7400') // 'tcp://10.0.0.2:7401'
 */
export function asDialled(address: string, control: string): string {
  const host = /^[a-z]+:\/\/(\[[^\]]*\]|[^:/]*)/.exec(control)?.[1];
  return host ? address.replace(/^([a-z]+:\/\/)\*(?=[:/]|$)/, (_, scheme: string) => scheme + host) : address;
}
