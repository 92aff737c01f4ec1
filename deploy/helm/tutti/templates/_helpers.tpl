{{- /* What all objects of the release have: (list ROOT COMPONENT). */}}
{{- define "tutti.labels" -}}
{{- $root := index . 0 -}}
{{ include "tutti.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "tutti.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "tutti.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{- /* Of a pod: (list ROOT FURTHER_FIELDS). */}}
{{- define "tutti.pod" -}}
{{- $root := index . 0 -}}
# A pod needs nothing of Kubernetes, and the addresses of Services are not options of Tutti.
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with $root.Values.image_pull_secrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index . 1 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tutti.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- /* What everyone who dials the orchestrator knows: (list ROOT JOIN_SECRET). */}}
{{- define "tutti.dial" -}}
{{- $root := index . 0 -}}
- name: TUTTI_CONTROL
  value: tcp://{{ $root.Release.Name }}:7400
# For payloads that go over HTTP.
- name: TUTTI_TOKEN
  valueFrom: { secretKeyRef: { name: {{ $root.Values.secret }}, key: token } }
# For the first start; the key that it makes then is in the volume, and the Secret may go.
- name: TUTTI_JOIN
  valueFrom: { secretKeyRef: { name: {{ index . 1 }}, key: join, optional: true } }
- name: TUTTI_KEYS
  value: /state/keys
{{- end }}

{{- /* A volume of a StatefulSet: (list NAME STORAGE DEFAULT_SIZE). */}}
{{- define "tutti.claim" -}}
{{- $storage := index . 1 | default dict -}}
metadata: { name: {{ index . 0 }} }
spec:
  accessModes: [ReadWriteOnce]
  {{- with $storage.class }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ $storage.size | default (index . 2) }} } }
{{- end }}
