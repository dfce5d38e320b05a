{{- define "claude-gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "claude-gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "claude-gateway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "claude-gateway.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "claude-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "claude-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "claude-gateway.labels" -}}
{{ include "claude-gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "claude-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "claude-gateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the service account that is there, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "claude-gateway.configMapName" -}}
{{- default (include "claude-gateway.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{/* gateway.yaml: the operator's values, and what a pod needs where they do not say it. */}}
{{- define "claude-gateway.config" -}}
{{- if not .Values.config -}}
{{- fail "config: say what gateway.yaml is to hold (deploy/helm/example-values.yaml), or name an existingConfigMap" -}}
{{- end -}}
{{- $listen := dict "drain_delay_seconds" .Values.drain.delaySeconds -}}
{{- $pod := dict "listen" $listen -}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $pod "observability" (dict "metrics_listen" (printf "0.0.0.0:%d" (int .Values.metrics.port))) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $pod (deepCopy .Values.config)) -}}
{{- end -}}

{{/* Seconds between SIGTERM and SIGKILL. */}}
{{- define "claude-gateway.gracePeriod" -}}
{{- $delay := .Values.drain.delaySeconds -}}
{{- if not .Values.existingConfigMap -}}
{{- $delay = dig "listen" "drain_delay_seconds" $delay .Values.config -}}
{{- end -}}
{{- $drain := add (int $delay) (int .Values.drain.timeoutSeconds) -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add $drain 10 -}}
{{- else if lt (int .Values.terminationGracePeriodSeconds) (int (add $drain 5)) -}}
{{- fail (printf "terminationGracePeriodSeconds: %d would cut open streams: the drain takes %d seconds (drain.delaySeconds or listen.drain_delay_seconds, and drain.timeoutSeconds); give at least %d" (int .Values.terminationGracePeriodSeconds) $drain (add $drain 5)) -}}
{{- else -}}
{{- int .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{- define "claude-gateway.port" -}}
{{- if .Values.existingConfigMap -}}8080{{- else -}}{{- int (dig "listen" "port" 8080 .Values.config) -}}{{- end -}}
{{- end -}}

{{/* HTTPS where the gateway itself ends TLS; the kubelet does not look at the certificate. */}}
{{- define "claude-gateway.scheme" -}}
{{- if and (not .Values.existingConfigMap) (dig "listen" "tls" "" .Values.config) -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end -}}

{{- define "claude-gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "claude-gateway.serviceAccountAnnotations" -}}
{{- $annotations := deepCopy .Values.serviceAccount.annotations -}}
{{- with .Values.workloadIdentity -}}
{{- if eq .provider "eks" -}}
{{- $_ := set $annotations "eks.amazonaws.com/role-arn" (required "workloadIdentity.eks.roleArn: the role that the service account takes" .eks.roleArn) -}}
{{- else if eq .provider "gke" -}}
{{- $_ := set $annotations "iam.gke.io/gcp-service-account" (required "workloadIdentity.gke.serviceAccount: the Google service account to act as" .gke.serviceAccount) -}}
{{- else if eq .provider "aks" -}}
{{- $_ := set $annotations "azure.workload.identity/client-id" (required "workloadIdentity.aks.clientId: the client id of the Azure identity" .aks.clientId) -}}
{{- if .aks.tenantId -}}
{{- $_ := set $annotations "azure.workload.identity/tenant-id" .aks.tenantId -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $annotations -}}
{{- toYaml $annotations -}}
{{- end -}}
{{- end -}}
