import { CfnOutput } from 'aws-cdk-lib';
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import type { OwnDomain } from '../settings/settings.ts';

/** What API Gateway gives a host name of one's own: where its record must lead. */
export interface DomainTarget {
  readonly hostName: string;
  /** The Route 53 zone of API Gateway in this region; alias records name it. */
  readonly hostedZoneId: string;
}

/** The record where the zone is in Route 53 (by id: finding it by name would take a look-up in the account); its target. */
export const leadTo = (scope: Construct, id: string, { name, hostedZoneId }: OwnDomain, target: DomainTarget): void => {
  if (hostedZoneId !== undefined) {
    new CfnRecordSet(scope, `${id}Record`, {
      name: `${name}.`,
      type: 'A',
      hostedZoneId,
      aliasTarget: { dnsName: target.hostName, hostedZoneId: target.hostedZoneId },
    });
  }
  new CfnOutput(scope, `${id}Target`, {
    value: target.hostName,
    description:
      hostedZoneId === undefined ? `Make a CNAME of it for ${name}` : `The record of ${name} in Route 53 leads there`,
  });
};
