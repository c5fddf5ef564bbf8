"""What Kubernetes and KubeRay take, as far as our manifests use it: fields, their types, no others.

Written from the documented fields of `ray.io/v1` and of Kubernetes' own kinds.
"""

from __future__ import annotations

__all__ = ["SCHEMAS"]

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
YES = {"type": "boolean"}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
QUANTITY = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[kKMGT]i?)?$"}
PORT = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, NAME]}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def fields(_required="", **known):
    return {
        "type": "object",
        "properties": known,
        "required": _required.split(),
        "additionalProperties": False,
    }


def some(kind):
    return {"type": "array", "items": kind, "minItems": 1}


def one_of(*names):
    return {"enum": list(names)}


KEY = fields("name key", name=NAME, key=TEXT, optional=YES)
PROBE = {
    **fields(
        httpGet=fields("path port", path=TEXT, port=PORT, scheme=one_of("HTTP", "HTTPS")),
        tcpSocket=fields("port", port=PORT),
        exec=fields("command", command=some(TEXT)),
        initialDelaySeconds=COUNT,
        periodSeconds=COUNT,
        timeoutSeconds=COUNT,
        successThreshold=COUNT,
        failureThreshold=COUNT,
    ),
    "oneOf": [{"required": [kind]} for kind in ("httpGet", "tcpSocket", "exec")],
}
AMOUNTS = {
    "type": "object",
    "properties": {"cpu": QUANTITY, "memory": QUANTITY, "storage": QUANTITY},
    "additionalProperties": False,
}
CONTAINER = fields(
    "name image",
    name=NAME,
    image=TEXT,
    imagePullPolicy=one_of("Always", "IfNotPresent", "Never"),
    command=some(TEXT),
    args=some(TEXT),
    ports=some(fields("containerPort", name=NAME, containerPort=PORT, protocol=TEXT)),
    env=some(
        {
            **fields(
                "name",
                name={"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
                value={"type": "string"},
                valueFrom=fields(secretKeyRef=KEY, configMapKeyRef=KEY),
            ),
            "oneOf": [{"required": ["value"]}, {"required": ["valueFrom"]}],
        }
    ),
    resources=fields(requests=AMOUNTS, limits=AMOUNTS),
    readinessProbe=PROBE,
    livenessProbe=PROBE,
    startupProbe=PROBE,
    volumeMounts=some(fields("name mountPath", name=NAME, mountPath=TEXT, readOnly=YES)),
)
VOLUME = {
    **fields(
        "name",
        name=NAME,
        persistentVolumeClaim=fields("claimName", claimName=NAME, readOnly=YES),
        emptyDir=fields(medium=one_of("", "Memory"), sizeLimit=QUANTITY),
    ),
    "minProperties": 2,
}
POD = fields(
    "spec",
    metadata=fields(labels=TEXTS, annotations=TEXTS),
    spec=fields(
        "containers",
        containers=some(CONTAINER),
        initContainers=some(CONTAINER),
        volumes=some(VOLUME),
        terminationGracePeriodSeconds=COUNT,
        serviceAccountName=NAME,
        nodeSelector=TEXTS,
        securityContext=fields(runAsNonRoot=YES, runAsUser=COUNT, runAsGroup=COUNT, fsGroup=COUNT),
    ),
)
METADATA = fields("name", name=NAME, namespace=NAME, labels=TEXTS, annotations=TEXTS)


def kind(version, name, spec):
    return fields(
        "apiVersion kind metadata spec",
        apiVersion={"const": version},
        kind={"const": name},
        metadata=METADATA,
        spec=spec,
    )


SCHEMAS = {
    "RayCluster": kind(
        "ray.io/v1",
        "RayCluster",
        fields(
            "headGroupSpec",
            rayVersion=TEXT,
            suspend=YES,
            enableInTreeAutoscaling=YES,
            autoscalerOptions=fields(
                resources=CONTAINER["properties"]["resources"],
                image=TEXT,
                idleTimeoutSeconds=COUNT,
                upscalingMode=one_of("Default", "Aggressive", "Conservative"),
                version=one_of("v1", "v2"),
                env=CONTAINER["properties"]["env"],
            ),
            authOptions=fields(mode=one_of("disabled", "token")),
            headGroupSpec=fields(
                "template",
                serviceType=one_of("ClusterIP", "NodePort", "LoadBalancer"),
                enableIngress=YES,
                labels=TEXTS,
                rayStartParams=TEXTS,
                template=POD,
            ),
            workerGroupSpecs=some(
                fields(
                    "groupName template",
                    groupName=NAME,
                    replicas=COUNT,
                    minReplicas=COUNT,
                    maxReplicas=COUNT,
                    idleTimeoutSeconds=COUNT,
                    numOfHosts=COUNT,
                    suspend=YES,
                    labels=TEXTS,
                    rayStartParams=TEXTS,
                    template=POD,
                )
            ),
        ),
    ),
    "Deployment": kind(
        "apps/v1",
        "Deployment",
        fields(
            "selector template",
            replicas=COUNT,
            selector=fields("matchLabels", matchLabels=TEXTS),
            template=POD,
        ),
    ),
    "Service": kind(
        "v1",
        "Service",
        fields(
            "ports",
            type=one_of("ClusterIP", "NodePort", "LoadBalancer"),
            selector=TEXTS,
            ports=some(fields("port", name=NAME, port=PORT, targetPort=PORT, protocol=TEXT)),
        ),
    ),
    "PersistentVolumeClaim": kind(
        "v1",
        "PersistentVolumeClaim",
        fields(
            "accessModes resources",
            accessModes=some(one_of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany")),
            storageClassName=NAME,
            resources=fields("requests", requests=AMOUNTS),
        ),
    ),
}
"""By kind: schemas of JSON Schema."""
